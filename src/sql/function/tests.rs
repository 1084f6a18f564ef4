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
