//! Parameters of a prepared statement: each takes the type that its first context wants.

use super::binder::Binder;
use crate::error::{Error, Result, sqlstate};
use crate::limits::PARAMETERS_MAX;
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// The types found so far.
pub(super) struct Parameters {
    types: Vec<Option<Type>>,
}

impl Parameters {
    /// Starts from what the client declared.
    pub fn new(declared: &[Option<Type>]) -> Self {
        let known = |t: &Option<Type>| t.clone().filter(|t| *t != Type::Unknown);
        Parameters { types: declared.iter().map(known).collect() }
    }

    /// The type of parameter `i` (from zero), if it is known.
    pub fn get(&self, i: usize) -> Option<&Type> {
        self.types.get(i).and_then(Option::as_ref)
    }

    /// Gives parameter `i` a type; 42P08 if it has another.
    pub fn decide(&mut self, i: usize, ty: &Type) -> Result<()> {
        match self.types.get_mut(i) {
            Some(Some(known)) if known != ty => Err(Error::new(
                sqlstate::AMBIGUOUS_PARAMETER,
                format!("inconsistent types deduced for parameter ${}", i + 1),
            )
            .with_detail(format!("{known} versus {ty}"))),
            Some(slot) => {
                *slot = Some(ty.clone());
                Ok(())
            }
            None => Err(undefined(i + 1)),
        }
    }

    /// All types; 42P18 if one is not known.
    pub fn finish(&self) -> Result<Vec<Type>> {
        let known = |(i, ty): (usize, &Option<Type>)| {
            ty.clone().ok_or_else(|| {
                Error::new(
                    sqlstate::INDETERMINATE_DATATYPE,
                    format!("could not determine data type of parameter ${}", i + 1),
                )
            })
        };
        self.types.iter().enumerate().map(known).collect()
    }
}

impl Binder<'_> {
    /// `$n`.
    pub fn parameter(&mut self, text: &str) -> Result<Scalar> {
        let number = text.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        let number = match number {
            Some(n) if (1..=PARAMETERS_MAX).contains(&n) => n,
            Some(n) => return Err(undefined(n)),
            None => return Err(Error::syntax(format!("syntax error at or near \"{text}\""))),
        };
        if self.params.types.len() < number {
            self.params.types.resize(number, None);
        }
        let i = number - 1;
        let ty = self.params.get(i).cloned().unwrap_or(Type::Unknown);
        Ok(Scalar { kind: ScalarKind::Parameter(i), ty: ty.into() })
    }
}

fn undefined(number: usize) -> Error {
    Error::new(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter ${number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_keeps_its_first_type() {
        let mut params = Parameters::new(&[Some(Type::Unknown), Some(Type::Int4)]);
        assert_eq!(params.get(0), None);
        assert_eq!(params.finish().unwrap_err().code(), sqlstate::INDETERMINATE_DATATYPE);
        params.decide(0, &Type::Text).unwrap();
        params.decide(0, &Type::Text).unwrap();
        let e = params.decide(0, &Type::Int8).unwrap_err();
        assert_eq!(e.code(), sqlstate::AMBIGUOUS_PARAMETER);
        assert_eq!(e.detail(), Some("text versus bigint"));
        assert_eq!(params.finish().unwrap(), [Type::Text, Type::Int4]);
    }
}
