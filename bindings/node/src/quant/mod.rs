//! # Room card: bindings/node/quant
//! In:    the name of a function of the quant room, its options as JSON, its series and matrices as typed arrays.
//! Out:   its result: numbers as JSON, series and matrices as typed arrays; on libuv's pool, or at once for what takes
//!        microseconds.
//! Holds: arrays are copied before work on another thread begins, so that nothing of JavaScript's is read there; a call
//!        at once reads them where they are; no logic.
//! Costs: one copy of the input of a call on the pool; results are handed over without one.
mod allocate;
mod allocate_options;
mod allocate_simple;
mod cointegration;
mod covariance;
mod monte_carlo;
mod options;
mod performance;
mod risk;
mod risk_models;
mod simple;
mod validation;
mod volatility;

use std::borrow::Cow;

use napi::bindgen_prelude::{AsyncTask, Float64Array, Function};
use napi::{Env, Task};
use napi_derive::napi;
use quant::{CELLS_MAX, JobControl, Matrix, OwnedMatrix, QuantError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{Code, Fault};

use crate::errors::{argument, error, guard};
use crate::task::{AbortHandle, Watch};

/// One array of a call, column after column; a series has one column.
struct Sheet<'a> {
    values: Cow<'a, [f64]>,
    rows: usize,
    columns: usize,
}

/// What a function is called with.
pub struct Arguments<'a> {
    options: String,
    sheets: Vec<Sheet<'a>>,
}

/// The arrays of a call, taken in slices, so that copying a large one does not hold the event loop.
#[napi]
#[derive(Default)]
pub struct QuantArrays {
    sheets: Vec<Sheet<'static>>,
}

#[napi]
impl QuantArrays {
    /// No array yet.
    #[napi(constructor)]
    pub fn new() -> QuantArrays {
        QuantArrays::default()
    }
    /// Begins the next array.
    #[napi]
    pub fn begin(&mut self, rows: u32, columns: u32) -> napi::Result<()> {
        guard(|| {
            self.sheets.push(Sheet::new(rows, columns)?);
            Ok(())
        })
    }
    /// The next numbers of the array that was begun last.
    #[napi]
    pub fn append(&mut self, values: Float64Array) -> napi::Result<()> {
        guard(|| {
            let sheet = self.sheets.last_mut().ok_or_else(|| argument("no array was begun"))?;
            sheet.append(&values)
        })
    }
}

impl<'a> Sheet<'a> {
    /// Room for `rows × columns` numbers.
    fn new(rows: u32, columns: u32) -> Result<Sheet<'a>, Fault> {
        let mut sheet = Sheet { values: Cow::Borrowed(&[]), rows: rows as usize, columns: columns as usize };
        let cells = sheet.cells()?;
        let mut values = Vec::new();
        values.try_reserve_exact(cells).map_err(|_| too_large(cells))?;
        sheet.values = Cow::Owned(values);
        Ok(sheet)
    }

    /// Numbers that stay where they are.
    fn of(values: &'a [f64], rows: u32, columns: u32) -> Result<Sheet<'a>, Fault> {
        let sheet = Sheet { values: Cow::Borrowed(values), rows: rows as usize, columns: columns as usize };
        sheet.check(values.len())?;
        Ok(sheet)
    }

    /// Numbers that its shape has.
    fn cells(&self) -> Result<usize, Fault> {
        let cells = self.rows.saturating_mul(self.columns);
        if cells > CELLS_MAX { Err(too_large(cells)) } else { Ok(cells) }
    }

    /// More numbers than its shape has are refused; fewer are found by what reads it.
    fn check(&self, have: usize) -> Result<(), Fault> {
        let need = self.cells()?;
        if have > need { Err(QuantError::Ragged { what: "array", have, need }.into()) } else { Ok(()) }
    }

    fn append(&mut self, values: &[f64]) -> Result<(), Fault> {
        self.check(self.values.len() + values.len())?;
        self.values.to_mut().extend_from_slice(values);
        Ok(())
    }
}

fn too_large(cells: usize) -> Fault {
    QuantError::TooLarge { what: "array", have: cells, max: CELLS_MAX }.into()
}

impl<'a> Arguments<'a> {
    /// Of a call at once: the arrays are read where they are, while JavaScript waits.
    fn borrowed(options: String, arrays: &'a [Float64Array], shapes: &[u32]) -> Result<Arguments<'a>, Fault> {
        if shapes.len() != arrays.len() * 2 {
            return Err(argument("each array needs its rows and columns"));
        }
        let shaped = arrays.iter().zip(shapes.chunks_exact(2));
        let sheets = shaped.map(|(array, shape)| Sheet::of(array, shape[0], shape[1]));
        Ok(Arguments { options, sheets: sheets.collect::<Result<Vec<_>, Fault>>()? })
    }

    fn sheet(&self, what: &'static str, at: usize) -> Result<&Sheet<'a>, Fault> {
        self.sheets.get(at).ok_or_else(|| argument(format!("{what} is missing")))
    }

    /// Argument `at` as a checked view.
    fn matrix(&self, what: &'static str, at: usize) -> Result<Matrix<'_>, Fault> {
        let sheet = self.sheet(what, at)?;
        Ok(Matrix::new(what, &sheet.values, sheet.rows, sheet.columns)?)
    }

    /// Argument `at` as a square symmetric view.
    fn symmetric(&self, what: &'static str, at: usize) -> Result<Matrix<'_>, Fault> {
        let matrix = self.matrix(what, at)?;
        Ok(Matrix::symmetric(what, matrix.values(), matrix.rows())?)
    }

    /// Argument `at` as a series; the room checks its numbers.
    fn series(&self, what: &'static str, at: usize) -> Result<&[f64], Fault> {
        Ok(&self.sheet(what, at)?.values)
    }

    /// An optional argument as whole numbers, each exact.
    fn whole(&self, what: &'static str, at: usize) -> Result<Option<Vec<usize>>, Fault> {
        let Some(sheet) = self.sheets.get(at) else { return Ok(None) };
        let most = f64::from(u32::MAX);
        let read = |value: &f64| {
            if (0.0..=most).contains(value) && value.fract() == 0.0 {
                Ok(*value as usize)
            } else {
                Err(QuantError::OutOfRange { what, value: *value, low: 0.0, high: most }.into())
            }
        };
        sheet.values.iter().map(read).collect::<Result<Vec<usize>, Fault>>().map(Some)
    }

    /// The options; a wrong key or type is named by its path.
    fn options<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let mut reader = serde_json::Deserializer::from_str(&self.options);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let fields = vec![("path", error.path().to_string()), ("what", error.inner().to_string())];
            Fault::new(Code::ArgumentInvalid, format!("{}: {}", error.path(), error.inner()), fields)
        })
    }
}

/// What a function returns.
pub struct Answer {
    json: String,
    arrays: Vec<Vec<f64>>,
}

impl Answer {
    fn new(numbers: &impl Serialize, arrays: Vec<Vec<f64>>) -> Result<Answer, Fault> {
        let json = serde_json::to_string(numbers).map_err(|error| argument(error.to_string()))?;
        Ok(Answer { json, arrays })
    }

    fn matrix(numbers: &impl Serialize, matrix: OwnedMatrix) -> Result<Answer, Fault> {
        Answer::new(numbers, vec![matrix.into_values()])
    }
}

/// An answer in JavaScript: numbers as JSON, arrays in the order that the function states.
#[napi(object, object_from_js = false)]
pub struct QuantAnswer {
    /// Numbers.
    pub json: String,
    /// Series and matrices, column after column.
    pub arrays: Vec<Float64Array>,
}

impl From<Answer> for QuantAnswer {
    fn from(answer: Answer) -> QuantAnswer {
        QuantAnswer { json: answer.json, arrays: answer.arrays.into_iter().map(Float64Array::new).collect() }
    }
}

/// A function of the room behind its name.
type Call = fn(&Arguments<'_>, &JobControl<'_>) -> Result<Answer, Fault>;

fn find(name: &str) -> Result<Call, Fault> {
    let found = covariance::find(name)
        .or_else(|| cointegration::find(name))
        .or_else(|| monte_carlo::find(name))
        .or_else(|| options::find(name))
        .or_else(|| allocate::find(name))
        .or_else(|| allocate_simple::find(name))
        .or_else(|| performance::find(name))
        .or_else(|| risk::find(name))
        .or_else(|| risk_models::find(name))
        .or_else(|| simple::find(name))
        .or_else(|| validation::find(name))
        .or_else(|| volatility::find(name));
    found.ok_or_else(|| argument(format!("no function {name}")))
}

/// A call on the pool.
pub struct QuantTask {
    call: Call,
    /// Taken by the work, so that the pool's thread frees it.
    arguments: Option<Arguments<'static>>,
    watch: Watch,
}

impl Task for QuantTask {
    type Output = Answer;
    type JsValue = QuantAnswer;

    fn compute(&mut self) -> napi::Result<Answer> {
        let Some(arguments) = self.arguments.take() else { return Err(error(&argument("this call was made"))) };
        let watch = &self.watch;
        let report = |done: u64, total: u64| watch.report(done as f64 / total.max(1) as f64);
        let control = JobControl::new(watch.aborted(), Some(&report));
        guard(|| {
            control.check()?;
            (self.call)(&arguments, &control)
        })
    }

    fn resolve(&mut self, _env: Env, answer: Answer) -> napi::Result<QuantAnswer> {
        Ok(answer.into())
    }
}

/// Calls a function of the quant room on the pool; the arrays are taken out of `arrays`.
#[napi(ts_return_type = "Promise<QuantAnswer>")]
pub fn quant_call(
    name: String,
    options: String,
    arrays: &mut QuantArrays,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<QuantTask>> {
    let call = guard(|| find(&name))?;
    let arguments = Some(Arguments { options, sheets: core::mem::take(&mut arrays.sheets) });
    Ok(AsyncTask::new(QuantTask { call, arguments, watch: Watch::new(progress, abort)? }))
}

/// Calls a function that takes microseconds at once.
#[napi]
pub fn quant_call_now(
    name: String,
    options: String,
    arrays: Vec<Float64Array>,
    shapes: Vec<u32>,
) -> napi::Result<QuantAnswer> {
    guard(|| Ok(find(&name)?(&Arguments::borrowed(options, &arrays, &shapes)?, &JobControl::NONE)?.into()))
}
