//! # Room card: bindings/node/quant
//! In:    the name of a function of the quant room, its options as JSON, its series and matrices as typed arrays.
//! Out:   its result: numbers as JSON, series and matrices as typed arrays; on libuv's pool, or at once for what takes
//!        microseconds.
//! Holds: arrays are copied before the work begins, so that nothing of JavaScript's is read on another thread; no
//!        logic.
//! Costs: one copy of the input a call; results are handed over without one.
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
struct Sheet {
    values: Vec<f64>,
    rows: usize,
    columns: usize,
}

/// What a function is called with.
pub struct Arguments {
    options: String,
    sheets: Vec<Sheet>,
}

/// The arrays of a call, taken in slices, so that copying a large one does not hold the event loop.
#[napi]
#[derive(Default)]
pub struct QuantArrays {
    sheets: Vec<Sheet>,
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

impl Sheet {
    /// Room for `rows × columns` numbers.
    fn new(rows: u32, columns: u32) -> Result<Sheet, Fault> {
        let (rows, columns) = (rows as usize, columns as usize);
        let cells = rows.saturating_mul(columns);
        let large = || QuantError::TooLarge { what: "array", have: cells, max: CELLS_MAX };
        if cells > CELLS_MAX {
            return Err(large().into());
        }
        let mut values = Vec::new();
        values.try_reserve_exact(cells).map_err(|_| large())?;
        Ok(Sheet { values, rows, columns })
    }

    /// More numbers than its shape has are refused; fewer are found by what reads it.
    fn append(&mut self, values: &[f64]) -> Result<(), Fault> {
        let (have, need) = (self.values.len() + values.len(), self.rows * self.columns);
        if have > need {
            return Err(QuantError::Ragged { what: "array", have, need }.into());
        }
        self.values.extend_from_slice(values);
        Ok(())
    }
}

impl Arguments {
    fn new(options: String, arrays: &[Float64Array], shapes: &[u32]) -> Result<Arguments, Fault> {
        if shapes.len() != arrays.len() * 2 {
            return Err(argument("each array needs its rows and columns"));
        }
        let mut sheets = Vec::with_capacity(arrays.len());
        for (array, shape) in arrays.iter().zip(shapes.chunks_exact(2)) {
            let mut sheet = Sheet::new(shape[0], shape[1])?;
            sheet.append(array)?;
            sheets.push(sheet);
        }
        Ok(Arguments { options, sheets })
    }

    fn sheet(&self, what: &'static str, at: usize) -> Result<&Sheet, Fault> {
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
type Call = fn(&Arguments, &JobControl<'_>) -> Result<Answer, Fault>;

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
    arguments: Option<Arguments>,
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
    guard(|| Ok(find(&name)?(&Arguments::new(options, &arrays, &shapes)?, &JobControl::NONE)?.into()))
}
