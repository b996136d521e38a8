//! # Room card: quant/error
//! In:    what a function found wrong with its arguments, or with the result.
//! Out:   `QuantError`: the one closed error of the room, with fields and a code of `types::codes`.
//! Holds: rows and columns count from 0; names are those of the parameter at the caller.
//! Costs: a few words, one allocation where constraints are named.
use types::{Code, Fault};

/// Names of constraints that cannot hold together.
pub type Conflict = Vec<String>;

/// Why there is no result.
#[derive(Clone, PartialEq, Debug)]
pub enum QuantError {
    /// `QUANT_EMPTY`: an argument without rows or columns.
    Empty {
        /// Which argument.
        what: &'static str,
    },
    /// `QUANT_RAGGED`: a length that does not agree with a shape or with another argument.
    Ragged {
        /// Which argument.
        what: &'static str,
        /// Its length.
        have: usize,
        /// The length it needs.
        need: usize,
    },
    /// `QUANT_NOT_FINITE`: NaN or an infinity.
    NotFinite {
        /// Which argument.
        what: &'static str,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
    },
    /// `QUANT_OUT_OF_RANGE`: a number outside its range, both ends allowed.
    OutOfRange {
        /// Which parameter.
        what: &'static str,
        /// What it was.
        value: f64,
        /// Lowest allowed.
        low: f64,
        /// Highest allowed.
        high: f64,
    },
    /// `QUANT_TOO_FEW`: fewer observations or assets than needed.
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// `QUANT_TOO_LARGE`: beyond a named bound.
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much was asked for.
        have: usize,
        /// The bound.
        max: usize,
    },
    /// `QUANT_CONSTANT`: a series that does not vary.
    Constant {
        /// Which argument.
        what: &'static str,
        /// Its column, from 0.
        column: usize,
    },
    /// `QUANT_NOT_SYMMETRIC`: a matrix that must be symmetric is not.
    NotSymmetric {
        /// Which argument.
        what: &'static str,
        /// Row of the first difference.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// `QUANT_NOT_POSITIVE_DEFINITE`: a matrix without a Cholesky factor.
    NotPositiveDefinite {
        /// Which argument.
        what: &'static str,
        /// Row where the factor fails.
        row: usize,
    },
    /// `QUANT_UNDEFINED`: the result has no meaning for these arguments.
    Undefined {
        /// Which result.
        what: &'static str,
        /// Why, in the desk's words.
        why: &'static str,
    },
    /// `QUANT_INFEASIBLE`: no portfolio meets all constraints.
    Infeasible {
        /// Constraints that cannot hold together.
        constraints: Conflict,
    },
    /// `QUANT_UNBOUNDED`: the objective has no bound under the constraints.
    Unbounded {
        /// Which problem.
        what: &'static str,
    },
    /// `QUANT_NOT_CONVERGED`: an iteration ended at its bound.
    NotConverged {
        /// Which iteration.
        what: &'static str,
        /// Iterations made.
        iterations: usize,
        /// What was left.
        residual: f64,
    },
    /// `QUANT_CANCELLED`: the caller cancelled.
    Cancelled,
}

impl QuantError {
    /// The code users match on.
    pub const fn code(&self) -> Code {
        match self {
            QuantError::Empty { .. } => Code::QuantEmpty,
            QuantError::Ragged { .. } => Code::QuantRagged,
            QuantError::NotFinite { .. } => Code::QuantNotFinite,
            QuantError::OutOfRange { .. } => Code::QuantOutOfRange,
            QuantError::TooFew { .. } => Code::QuantTooFew,
            QuantError::TooLarge { .. } => Code::QuantTooLarge,
            QuantError::Constant { .. } => Code::QuantConstant,
            QuantError::NotSymmetric { .. } => Code::QuantNotSymmetric,
            QuantError::NotPositiveDefinite { .. } => Code::QuantNotPositiveDefinite,
            QuantError::Undefined { .. } => Code::QuantUndefined,
            QuantError::Infeasible { .. } => Code::QuantInfeasible,
            QuantError::Unbounded { .. } => Code::QuantUnbounded,
            QuantError::NotConverged { .. } => Code::QuantNotConverged,
            QuantError::Cancelled => Code::QuantCancelled,
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            QuantError::Empty { what } | QuantError::Unbounded { what } => vec![("what", what.to_string())],
            QuantError::Ragged { what, have, need } | QuantError::TooFew { what, have, need } => {
                vec![("what", what.to_string()), ("have", have.to_string()), ("need", need.to_string())]
            }
            QuantError::NotFinite { what, row, column } | QuantError::NotSymmetric { what, row, column } => {
                vec![("what", what.to_string()), ("row", row.to_string()), ("column", column.to_string())]
            }
            QuantError::OutOfRange { what, value, low, high } => vec![
                ("what", what.to_string()),
                ("value", value.to_string()),
                ("low", low.to_string()),
                ("high", high.to_string()),
            ],
            QuantError::TooLarge { what, have, max } => {
                vec![("what", what.to_string()), ("have", have.to_string()), ("max", max.to_string())]
            }
            QuantError::Constant { what, column } => {
                vec![("what", what.to_string()), ("column", column.to_string())]
            }
            QuantError::NotPositiveDefinite { what, row } => {
                vec![("what", what.to_string()), ("row", row.to_string())]
            }
            QuantError::Undefined { what, why } => vec![("what", what.to_string()), ("why", why.to_string())],
            QuantError::Infeasible { constraints } => vec![("constraints", constraints.join(", "))],
            QuantError::NotConverged { what, iterations, residual } => vec![
                ("what", what.to_string()),
                ("iterations", iterations.to_string()),
                ("residual", residual.to_string()),
            ],
            QuantError::Cancelled => Vec::new(),
        }
    }
}

impl From<QuantError> for Fault {
    fn from(error: QuantError) -> Fault {
        let code = error.code();
        Fault::new(code, code.doc(), error.fields())
    }
}

impl core::fmt::Display for QuantError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.code().name())?;
        for (name, value) in self.fields() {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

impl core::error::Error for QuantError {}

/// The value lies from `low` to `high`, both allowed; NaN does not.
pub(crate) fn in_range(what: &'static str, value: f64, low: f64, high: f64) -> Result<(), QuantError> {
    if value >= low && value <= high { Ok(()) } else { Err(QuantError::OutOfRange { what, value, low, high }) }
}

/// The value is finite and above 0.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<(), QuantError> {
    in_range(what, value, f64::MIN_POSITIVE, f64::MAX)
}

/// The value is finite.
pub(crate) fn finite(what: &'static str, value: f64) -> Result<(), QuantError> {
    in_range(what, value, f64::MIN, f64::MAX)
}

/// The count is at least `need`.
pub(crate) fn at_least(what: &'static str, have: usize, need: usize) -> Result<(), QuantError> {
    if have >= need { Ok(()) } else { Err(QuantError::TooFew { what, have, need }) }
}

/// The count is at most `max`.
pub(crate) fn at_most(what: &'static str, have: usize, max: usize) -> Result<(), QuantError> {
    if have <= max { Ok(()) } else { Err(QuantError::TooLarge { what, have, max }) }
}

/// The length is the one needed.
pub(crate) fn length(what: &'static str, have: usize, need: usize) -> Result<(), QuantError> {
    if have == need { Ok(()) } else { Err(QuantError::Ragged { what, have, need }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_codes_cross_to_a_fault() {
        let error = QuantError::NotFinite { what: "returns", row: 3, column: 1 };
        assert_eq!(error.to_string(), "QUANT_NOT_FINITE what=returns row=3 column=1");
        let fault = Fault::from(error);
        assert_eq!(fault.code, Code::QuantNotFinite);
        assert_eq!(fault.fields[1], ("row", "3".to_string()));
    }

    #[test]
    fn ranges_refuse_nan_and_take_their_ends() {
        assert!(in_range("x", 0.0, 0.0, 1.0).is_ok() && in_range("x", 1.0, 0.0, 1.0).is_ok());
        assert!(in_range("x", f64::NAN, 0.0, 1.0).is_err() && positive("x", 0.0).is_err());
        assert!(positive("x", f64::INFINITY).is_err() && finite("x", f64::NEG_INFINITY).is_err());
        assert_eq!(at_least("rows", 1, 2), Err(QuantError::TooFew { what: "rows", have: 1, need: 2 }));
        assert_eq!(at_most("rows", 3, 2), Err(QuantError::TooLarge { what: "rows", have: 3, max: 2 }));
    }
}
