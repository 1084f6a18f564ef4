//! Polymorphic signatures: what `anyelement`, `anyarray`, `anycompatible` and `"any"` stand for in
//! one call.

use super::coerce::can_coerce;
use super::common_type::common_type;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function::Signature;
use crate::types::cast::CastContext;
use crate::types::{Type, oid};

/// The parameter types of one call, and its result's type.
#[derive(Debug, PartialEq)]
pub(super) struct Resolved {
    /// The type that each argument is cast to.
    pub params: Vec<Type>,
    /// The type of the result.
    pub result: Type,
}

/// The element type of an array, of the vectors that count as arrays too.
pub(super) fn element(ty: &Type) -> Option<Type> {
    match ty {
        Type::Array(element) => Some((**element).clone()),
        Type::Int2Vector => Some(Type::Int2),
        Type::OidVector => Some(Type::Oid),
        _ => None,
    }
}

/// An array of a type; an array's array is itself, for dimensions are no part of the type.
pub(super) fn array_of(ty: &Type) -> Type {
    match ty {
        Type::Array(_) => ty.clone(),
        _ => Type::Array(Box::new(ty.clone())),
    }
}

/// The category of a parameter, `P` for the polymorphic ones, and whether it is preferred.
pub(super) fn category(signature: &Signature) -> (char, bool) {
    match signature {
        Signature::Is(ty) => (oid::category(ty), oid::is_preferred(ty)),
        _ => ('P', false),
    }
}

/// Whether arguments can be passed to parameters with implicit casts.
pub(super) fn accepts(params: &[Signature], args: &[Type]) -> bool {
    let mut elements = Elements::default();
    for (param, arg) in params.iter().zip(args) {
        let fits = match param {
            Signature::Is(ty) => can_coerce(arg, ty, CastContext::Implicit),
            Signature::Record => matches!(arg, Type::Record | Type::Unknown),
            _ => elements.take(param, arg).is_ok(),
        };
        if !fits {
            return false;
        }
    }
    elements.is_consistent()
}

/// What the polymorphic parameters of one call have been given.
#[derive(Default)]
struct Elements {
    element: Option<Type>,
    array_element: Option<Type>,
    non_array: bool,
    /// Types for `anycompatible`; those of arrays' elements among them.
    compatible: Vec<Type>,
    unknown: bool,
    compatible_seen: bool,
}

impl Elements {
    fn take(&mut self, param: &Signature, arg: &Type) -> Result<()> {
        let arg_element = || {
            element(arg).ok_or_else(|| {
                let what = match param {
                    Signature::AnyArray => "anyarray",
                    _ => "anycompatiblearray",
                };
                mismatch(format!("argument declared {what} is not an array but type {arg}"))
            })
        };
        match param {
            Signature::AnyElement | Signature::AnyNonArray => {
                self.non_array |= *param == Signature::AnyNonArray;
                if *arg == Type::Unknown {
                    self.unknown = true;
                } else {
                    set(&mut self.element, arg.clone(), "anyelement")?;
                }
            }
            Signature::AnyEnum => match arg {
                Type::Unknown => self.unknown = true,
                Type::Enum(_) => set(&mut self.element, arg.clone(), "anyenum")?,
                _ => {
                    let what = format!("argument declared anyenum is not an enum but type {arg}");
                    return Err(mismatch(what));
                }
            },
            Signature::AnyArray => {
                if *arg == Type::Unknown {
                    self.unknown = true;
                } else {
                    set(&mut self.array_element, arg_element()?, "anyarray")?;
                }
            }
            Signature::AnyCompatible => {
                self.compatible_seen = true;
                if *arg != Type::Unknown {
                    self.compatible.push(arg.clone());
                }
            }
            Signature::AnyCompatibleArray => {
                self.compatible_seen = true;
                if *arg != Type::Unknown {
                    self.compatible.push(arg_element()?);
                }
            }
            Signature::Is(_) | Signature::Any | Signature::Record => {}
        }
        Ok(())
    }

    fn is_consistent(&self) -> bool {
        if let (Some(a), Some(b)) = (&self.element, &self.array_element)
            && a != b
        {
            return false;
        }
        if self.non_array && self.element.as_ref().is_some_and(|e| element(e).is_some()) {
            return false;
        }
        match common_type(&self.compatible) {
            Some(common) => {
                self.compatible.iter().all(|t| can_coerce(t, &common, CastContext::Implicit))
            }
            None => false,
        }
    }

    fn element(&self) -> Result<Type> {
        match self.element.clone().or_else(|| self.array_element.clone()) {
            Some(ty) => Ok(ty),
            None => Err(mismatch(
                "could not determine polymorphic type because input has type unknown".to_owned(),
            )),
        }
    }

    fn compatible(&self) -> Type {
        common_type(&self.compatible).unwrap_or(Type::Text)
    }
}

fn set(slot: &mut Option<Type>, ty: Type, what: &str) -> Result<()> {
    match slot {
        Some(known) if *known != ty => {
            Err(mismatch(format!("arguments declared \"{what}\" are not all alike"))
                .with_detail(format!("{known} versus {ty}")))
        }
        _ => {
            *slot = Some(ty);
            Ok(())
        }
    }
}

fn mismatch(message: String) -> Error {
    Error::new(sqlstate::DATATYPE_MISMATCH, message)
}

/// Replaces the polymorphic parameters and result of a call that [`accepts`] its arguments.
pub(super) fn resolve(params: &[Signature], args: &[Type], result: &Signature) -> Result<Resolved> {
    let mut elements = Elements::default();
    for (param, arg) in params.iter().zip(args) {
        elements.take(param, arg)?;
    }
    let concrete = |signature: &Signature, arg: Option<&Type>| -> Result<Type> {
        Ok(match signature {
            Signature::Is(ty) => ty.clone(),
            Signature::AnyElement | Signature::AnyNonArray | Signature::AnyEnum => {
                elements.element()?
            }
            // The vectors stay what they are where an array is taken.
            Signature::AnyArray => match arg {
                Some(vector @ (Type::Int2Vector | Type::OidVector)) => vector.clone(),
                _ => array_of(&elements.element()?),
            },
            Signature::AnyCompatible => elements.compatible(),
            Signature::AnyCompatibleArray => array_of(&elements.compatible()),
            Signature::Any => match arg {
                Some(Type::Unknown) | None => Type::Text,
                Some(ty) => ty.clone(),
            },
            Signature::Record => Type::Record,
        })
    };
    let concrete_params = params
        .iter()
        .zip(args)
        .map(|(param, arg)| concrete(param, Some(arg)))
        .collect::<Result<_>>()?;
    Ok(Resolved { params: concrete_params, result: concrete(result, None)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(ty: Type) -> Type {
        Type::Array(Box::new(ty))
    }

    #[test]
    fn elements_and_arrays_go_together() {
        let params = [Signature::AnyArray, Signature::AnyElement];
        let args = [array(Type::Int4), Type::Unknown];
        assert!(accepts(&params, &args));
        let resolved = resolve(&params, &args, &Signature::AnyArray).unwrap();
        assert_eq!(resolved.params, [array(Type::Int4), Type::Int4]);
        assert_eq!(resolved.result, array(Type::Int4));
        assert!(!accepts(&params, &[array(Type::Int4), Type::Text]));
        assert!(!accepts(&params, &[Type::Int4, Type::Int4]));
    }

    #[test]
    fn compatible_types_meet() {
        let params = [Signature::AnyCompatibleArray, Signature::AnyCompatible];
        let args = [array(Type::Int4), Type::Numeric];
        let resolved = resolve(&params, &args, &Signature::AnyCompatibleArray).unwrap();
        assert_eq!(resolved.params, [array(Type::Numeric), Type::Numeric]);
        assert_eq!(resolved.result, array(Type::Numeric));
    }

    #[test]
    fn only_unknowns_decide_nothing() {
        let e = resolve(&[Signature::AnyElement], &[Type::Unknown], &Signature::AnyElement);
        assert_eq!(e.unwrap_err().code(), sqlstate::DATATYPE_MISMATCH);
    }
}
