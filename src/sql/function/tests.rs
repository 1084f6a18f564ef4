//! The tables themselves: numbers, spellings, and what operators say of each other.

use super::*;

#[test]
fn no_two_functions_share_an_oid() {
    let scalars = all_functions().map(|f| (f.oid, f.name));
    let aggregates = all_aggregates().map(|f| (f.oid, f.name));
    let sets = all_set_functions().map(|f| (f.oid, f.name));
    let windows = all_window_functions().map(|f| (f.oid, f.name));
    let mut seen = std::collections::HashMap::new();
    for (oid, name) in scalars.chain(aggregates).chain(sets).chain(windows) {
        assert_ne!(oid, 0, "{name}");
        assert_eq!(seen.insert(oid, name), None, "{name}");
    }
}

#[test]
fn every_line_of_the_tables_was_understood() {
    for list in registry::FUNCTIONS {
        for line in *list {
            let (params, _) = row::parameters(line.params);
            assert_eq!(params.len(), line.params.split_whitespace().count(), "{}", line.name);
            assert!(row::signature(line.result).is_some(), "{}", line.name);
        }
    }
    assert_eq!(all_operators().count(), operator_table::OPERATORS.len());
}

#[test]
fn commutators_and_negators_exist_and_point_back() {
    for operator in all_operators() {
        if let Some(name) = operator.commutator {
            let left = operator.left.as_ref();
            let turned = operators(name)
                .iter()
                .find(|o| o.left.as_ref() == Some(&operator.right) && left == Some(&o.right));
            assert_eq!(turned.and_then(|o| o.commutator), Some(operator.name), "{}", operator.oid);
        }
        if let Some(name) = operator.negator {
            let opposite = operators(name)
                .iter()
                .find(|o| o.left == operator.left && o.right == operator.right);
            assert_eq!(opposite.and_then(|o| o.negator), Some(operator.name), "{}", operator.oid);
        }
    }
}

#[test]
fn privileges_are_asked_by_name_and_by_number() {
    use crate::catalog::role::{PUBLIC, ROOT_ID};
    use crate::sql::testing::{server, session, within};
    let text = Datum::text;
    let yes = |answer: Result<Datum>| matches!(answer, Ok(Datum::Bool(true)));
    within(&server(), &mut session(), |context| {
        let mut ask = |oid: u32, args: &[Datum]| {
            let function = function_by_oid(oid).unwrap();
            assert_eq!(function.params.len(), args.len(), "{}", function.name);
            function.call(&mut context.eval, &[], args)
        };
        let by_name = [text("root"), text("defaultdb"), text("CREATE, CONNECT")];
        assert!(yes(ask(2250, &by_name)));
        let nobody = [Datum::Oid(99_999), text("defaultdb"), text("CONNECT")];
        assert!(!yes(ask(2252, &nobody)), "a number that nobody has holds nothing");
        let by_number = [Datum::Oid(ROOT_ID), text("defaultdb"), text("CREATE")];
        assert!(yes(ask(2252, &by_number)));
        assert!(yes(ask(1926, &[text("pg_catalog.pg_class"), text("SELECT")])));
        let public = [text(PUBLIC), text("pg_class"), text("INSERT")];
        assert!(!yes(ask(1922, &public)), "what the server makes up cannot be written");
        let e = ask(1926, &[text("nothing"), text("SELECT")]).unwrap_err();
        assert_eq!(e.message(), "relation \"nothing\" does not exist");
        let e = ask(2254, &[text("defaultdb"), text("FLY")]).unwrap_err();
        assert_eq!(e.message(), "unrecognized privilege type: \"FLY\"");
        let Datum::Array(list) = ask(3943, &[Datum::Char(b'r'), Datum::Oid(ROOT_ID)]).unwrap()
        else {
            panic!("no list")
        };
        assert!(matches!(&list.items[..], [Datum::Text(t)] if &**t == "root=arwdDxt/root"));
    });
}
