//! Choosing among overloads, as PostgreSQL's chapter 10 has it.

use super::generic::{accepts, category};
use crate::sql::function::Signature;
use crate::types::{Type, oid};

/// An overload that may be meant.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    /// One parameter for each argument.
    pub params: Vec<Signature>,
    /// The overload.
    pub what: T,
}

/// What came of choosing.
#[derive(Debug)]
pub(super) enum Choice<T> {
    /// The best.
    One(Candidate<T>),
    /// None fits.
    Nothing,
    /// Several fit, none better than the others.
    Ambiguous,
}

/// The candidate whose parameters are the arguments' types exactly.
pub(super) fn exact<'c, T>(
    candidates: &'c [Candidate<T>],
    args: &[Type],
) -> Option<&'c Candidate<T>> {
    candidates.iter().find(|c| {
        c.params.len() == args.len()
            && c.params.iter().zip(args).all(|(param, arg)| is_type(param, arg))
    })
}

fn is_type(param: &Signature, arg: &Type) -> bool {
    match param {
        Signature::Is(ty) => ty == arg,
        Signature::Record => *arg == Type::Record,
        _ => false,
    }
}

/// The best of the candidates that accept the arguments with implicit casts.
pub(super) fn choose<T: Clone>(candidates: Vec<Candidate<T>>, args: &[Type]) -> Choice<T> {
    let mut fitting = candidates;
    fitting.retain(|c| accepts(&c.params, args));
    match fitting.len() {
        0 => Choice::Nothing,
        1 => fitting.pop().map_or(Choice::Nothing, Choice::One),
        _ => match select(fitting, args) {
            Some(best) => Choice::One(best),
            None => Choice::Ambiguous,
        },
    }
}

/// Narrows down candidates that all fit.
fn select<T: Clone>(mut list: Vec<Candidate<T>>, args: &[Type]) -> Option<Candidate<T>> {
    // Those with the most exact matches.
    keep_best(&mut list, |c| {
        c.params.iter().zip(args).filter(|(p, a)| **a != Type::Unknown && is_type(p, a)).count()
    });
    if list.len() == 1 {
        return list.pop();
    }
    // Those that accept preferred types where a cast is needed.
    keep_best(&mut list, |c| {
        let good = |(param, arg): &(&Signature, &Type)| {
            **arg != Type::Unknown
                && (is_type(param, arg) || category(param) == (oid::category(arg), true))
        };
        c.params.iter().zip(args).filter(good).count()
    });
    if list.len() == 1 {
        return list.pop();
    }
    if args.iter().all(|a| *a != Type::Unknown) {
        return None;
    }
    if let Some(wanted) = unknown_categories(&list, args) {
        let keep = |c: &Candidate<T>| {
            c.params.iter().zip(&wanted).all(|(param, wanted)| match wanted {
                None => true,
                Some((slot, has_preferred)) => {
                    let (own, preferred) = category(param);
                    own == *slot && (preferred || !has_preferred)
                }
            })
        };
        if list.iter().any(keep) {
            list.retain(keep);
        }
        if list.len() == 1 {
            return list.pop();
        }
    }
    // If the known arguments are all of one type, the unknown ones may be of it too.
    let mut known = args.iter().filter(|a| **a != Type::Unknown);
    let first = known.next()?;
    if !known.all(|ty| ty == first) {
        return None;
    }
    let assumed = vec![first.clone(); args.len()];
    let mut fitting = list.into_iter().filter(|c| accepts(&c.params, &assumed));
    let best = fitting.next()?;
    fitting.next().is_none().then_some(best)
}

/// For each unknown argument the category to prefer and whether it has a preferred type among the
/// candidates; `None` if the candidates do not agree.
fn unknown_categories<T>(
    list: &[Candidate<T>],
    args: &[Type],
) -> Option<Vec<Option<(char, bool)>>> {
    let mut wanted = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        if *arg != Type::Unknown {
            wanted.push(None);
            continue;
        }
        let mut slot: Option<(char, bool)> = None;
        let mut conflict = false;
        for param in list.iter().filter_map(|c| c.params.get(i)) {
            let (own, preferred) = category(param);
            match &mut slot {
                None => slot = Some((own, preferred)),
                Some((known, has_preferred)) if *known == own => *has_preferred |= preferred,
                Some(place) if own == 'S' => *place = (own, preferred),
                Some(_) => conflict = true,
            }
        }
        if conflict && slot.is_none_or(|(known, _)| known != 'S') {
            return None;
        }
        wanted.push(slot);
    }
    Some(wanted)
}

fn keep_best<T>(list: &mut Vec<Candidate<T>>, score: impl Fn(&Candidate<T>) -> usize) {
    let best = list.iter().map(&score).max().unwrap_or(0);
    list.retain(|c| score(c) == best);
}
