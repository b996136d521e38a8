//! # Room card: bindings/node/task
//! In:    a long native job with progress and abort.
//! Out:   a promise of its JSON result; the job runs on libuv's pool, not on the JavaScript thread.
//! Holds: progress calls are coalesced by a queue of one and never block the job; a panic becomes an error.
//! Costs: one thread-safe call per progress step.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::{AsyncTask, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, Task};
use napi_derive::napi;
use types::Fault;

use crate::errors::{error, panicked};

type Progress = ThreadsafeFunction<f64, (), f64, Status, false, true, 1>;

/// Stops a running job at its next look.
#[napi]
#[derive(Default)]
pub struct AbortHandle {
    flag: Arc<AtomicBool>,
}

#[napi]
impl AbortHandle {
    /// A handle for one or more jobs.
    #[napi(constructor)]
    pub fn new() -> AbortHandle {
        AbortHandle::default()
    }
    /// Stops them.
    #[napi]
    pub fn abort(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

/// What a job may ask and say while it runs.
pub(crate) struct Watch {
    progress: Option<Progress>,
    abort: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn report(&self, fraction: f64) {
        if let Some(progress) = &self.progress {
            // A full queue means an earlier fraction has not been shown yet: this one may be lost.
            progress.call(fraction, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
    pub(crate) fn keep_going(&self) -> bool {
        !self.abort.load(Ordering::Relaxed)
    }
    pub(crate) fn aborted(&self) -> &AtomicBool {
        &self.abort
    }
    /// From what a caller gave.
    pub(crate) fn new(progress: Option<Function<'_, f64, ()>>, abort: Option<&AbortHandle>) -> napi::Result<Watch> {
        let progress = match progress {
            Some(function) => Some(function.build_threadsafe_function().weak::<true>().max_queue_size::<1>().build()?),
            None => None,
        };
        Ok(Watch { progress, abort: abort.map_or_else(Arc::default, |handle| handle.flag.clone()) })
    }
}

type Job = Box<dyn FnOnce(&Watch) -> Result<String, Fault> + Send>;

/// A job on the pool.
pub struct NativeTask {
    job: Option<Job>,
    watch: Watch,
}

impl Task for NativeTask {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let Some(job) = self.job.take() else { return Ok(String::new()) };
        match catch_unwind(AssertUnwindSafe(|| job(&self.watch))) {
            Ok(result) => result.map_err(|fault| error(&fault)),
            Err(panic) => Err(error(&panicked(&*panic))),
        }
    }

    fn resolve(&mut self, _env: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }
}

/// Queues a job.
pub(crate) fn spawn(
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
    job: impl FnOnce(&Watch) -> Result<String, Fault> + Send + 'static,
) -> napi::Result<AsyncTask<NativeTask>> {
    Ok(AsyncTask::new(NativeTask { job: Some(Box::new(job)), watch: Watch::new(progress, abort)? }))
}
