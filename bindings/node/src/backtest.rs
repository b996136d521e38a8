//! # Room card: bindings/node/backtest
//! In:    a configuration, and for a strategy in TypeScript the memory of three rings.
//! Out:   the summary as JSON; between, one raw call per wake.
//! Holds: driver and strategy share one thread; commands are taken before time goes on; a fault ends the run and is
//!        thrown by `finish`.
//! Costs: `step` is a raw callback over a bound pointer, about 20 ns beside the turn itself.
use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use backtest::{Backtest, Step};
use napi::bindgen_prelude::{AsyncTask, Function, Uint8Array};
use napi::{Env, Unknown, check_status, sys};
use napi_derive::napi;
use ring::{CommandReader, OrdersWriter, Written};
use types::config::{BacktestConfig, StrategyPlace};
use types::{Code, EffectRef, Fault, event};
use zerocopy::IntoBytes;

use crate::engine::region_of;
use crate::errors::{argument, guard, panicked};
use crate::task::{AbortHandle, NativeTask, spawn};

/// `step` returned: the run is over.
const DONE: i32 = 0;
/// `step` returned: there are records in the rings.
const WOKE: i32 = 1;
/// `step` returned: nothing to read, call again; a place to let other work run.
const YIELD: i32 = 2;
/// `step` returned: the run failed; `finish` throws why.
const FAILED: i32 = -1;
/// Turns without a wake before `step` yields.
const TURNS_PER_YIELD: u32 = 65_536;

/// Runs a backtest with native strategies off the JavaScript thread.
#[napi(ts_return_type = "Promise<string>")]
pub fn run_backtest(
    config_json: String,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    spawn(progress, abort, move |watch| {
        let summary = backtest::run(&config_json, |fraction| watch.report(fraction), || watch.keep_going())?;
        summary_json(&summary)
    })
}

fn summary_json(summary: &backtest::Summary) -> Result<String, Fault> {
    serde_json::to_string(summary).map_err(|error| argument(error.to_string()))
}

struct Session {
    run: Option<Backtest>,
    /// Lossless here, unlike a live engine's: the reader shares this thread and has read everything before each step.
    market: OrdersWriter,
    orders: OrdersWriter,
    commands: CommandReader,
    fault: Option<Fault>,
    malformed: u64,
    /// Keep the views, and so the memory of the rings, alive.
    _memory: [Uint8Array; 3],
}

impl Session {
    /// Takes the commands, then goes on until something was published.
    fn step(&mut self) -> Result<i32, Fault> {
        let Some(run) = self.run.as_mut() else { return Ok(DONE) };
        if !self.commands.is_empty() {
            let mut outcome = Ok(());
            let (market, orders, malformed) = (&mut self.market, &mut self.orders, &mut self.malformed);
            let polled = self.commands.poll(usize::MAX, |record| match command_of(record) {
                Some((cause_seq, bytes)) if outcome.is_ok() => {
                    outcome = run.command(0, cause_seq, bytes).and_then(|()| publish(run, market, orders).map(|_| ()));
                }
                Some(_) => {}
                None => *malformed += 1,
            });
            outcome?;
            if polled.is_err() {
                return Err(argument("the command ring was damaged"));
            }
            self.market.publish();
            self.orders.publish();
        }
        for _ in 0..TURNS_PER_YIELD {
            if run.advance()? == Step::Done {
                return Ok(DONE);
            }
            if publish(run, &mut self.market, &mut self.orders)? {
                self.market.publish();
                self.orders.publish();
                return Ok(WOKE);
            }
        }
        Ok(YIELD)
    }
}

/// Stages the published records of the last turn; were there any?
/// A ring that one step outgrows is a fault, never a loss.
fn publish(run: &Backtest, market: &mut OrdersWriter, orders: &mut OrdersWriter) -> Result<bool, Fault> {
    let mut any = false;
    for effect in run.effects() {
        let staged = match effect {
            EffectRef::Event(event) => market.stage(event.as_bytes()),
            EffectRef::Order(event) => orders.stage(event.as_bytes()),
            EffectRef::Send { .. } | EffectRef::Timer { .. } => continue,
        };
        if staged != Ok(Written::Written) {
            return Err(argument("a ring is too small for the records of one step"));
        }
        any = true;
    }
    Ok(any)
}

/// Cause and bytes of a command record.
fn command_of(record: &[u8]) -> Option<(u64, &[u8])> {
    let (head, body) = record.split_at_checked(event::RECORD_HEADER_BYTES)?;
    if u32::from_le_bytes([head[4], head[5], head[6], head[7]]) != event::RECORD_COMMAND {
        return None;
    }
    let (cause, bytes) = body.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*cause), bytes))
}

/// A backtest whose strategy runs in the calling thread.
#[napi]
pub struct BacktestSession {
    session: Rc<RefCell<Session>>,
}

#[napi]
impl BacktestSession {
    /// Opens sources and outputs. The views must be over memory that nobody else writes (SharedArrayBuffer or
    /// ArrayBuffer).
    #[napi(constructor)]
    pub fn new(
        config_json: String,
        market: Uint8Array,
        orders: Uint8Array,
        commands: Uint8Array,
    ) -> napi::Result<BacktestSession> {
        guard(|| {
            let (mut config, setup) = BacktestConfig::from_json(&config_json)?;
            config.strategy = StrategyPlace::Caller;
            let bad = |error: ring::RegionError| argument(format!("a ring's memory cannot be used: {error:?}"));
            let session = Session {
                market: OrdersWriter::create(region_of(&market)?).map_err(bad)?,
                orders: OrdersWriter::create(region_of(&orders)?).map_err(bad)?,
                commands: CommandReader::create(region_of(&commands)?).map_err(bad)?,
                run: Some(Backtest::new(config, setup)?),
                fault: None,
                malformed: 0,
                _memory: [market, orders, commands],
            };
            Ok(BacktestSession { session: Rc::new(RefCell::new(session)) })
        })
    }

    /// The raw step function of this session: 0 done, 1 records in the rings, 2 call again, -1 failed (`finish` throws
    /// why).
    #[napi(ts_return_type = "() => number")]
    pub fn step_function(&self, env: &Env) -> napi::Result<Unknown<'static>> {
        let session = Rc::into_raw(self.session.clone()).cast_mut().cast::<c_void>();
        let mut function = ptr::null_mut();
        // SAFETY: `env` is this call's environment, the name a literal; `session` is an `Rc` handed to the function and
        // given back by `release_step` when the function is collected.
        check_status!(unsafe {
            sys::napi_create_function(env.raw(), c"step".as_ptr(), 4, Some(step_raw), session, &mut function)
        })?;
        // SAFETY: as above; the finalizer is called exactly once with the same pointer.
        check_status!(unsafe {
            sys::napi_add_finalizer(env.raw(), function, session, Some(release_step), ptr::null_mut(), ptr::null_mut())
        })?;
        // SAFETY: `function` was just created in this environment.
        Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })
    }

    /// How far the run is, 0 to 1.
    #[napi]
    pub fn progress(&self) -> napi::Result<f64> {
        guard(|| Ok(self.session.borrow().run.as_ref().map_or(1.0, Backtest::progress)))
    }

    /// Ends the run and returns its summary as JSON; throws what made it fail.
    #[napi]
    pub fn finish(&self) -> napi::Result<String> {
        guard(|| {
            let mut session = self.session.borrow_mut();
            if let Some(fault) = session.fault.take() {
                session.run = None;
                return Err(fault);
            }
            match session.run.take() {
                Some(run) => summary_json(&run.finish()?),
                None => Err(Fault::new(Code::EngineClosed, "the run is already finished", vec![])),
            }
        })
    }

    /// Drops the run without a summary.
    #[napi]
    pub fn close(&self) -> napi::Result<()> {
        guard(|| {
            self.session.borrow_mut().run = None;
            Ok(())
        })
    }
}

/// The raw step: no arguments, returns a small integer.
// SAFETY: only Node calls it, by the function of `step_function`, with the environment and info of that call.
unsafe extern "C" fn step_raw(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut session = ptr::null_mut();
    // SAFETY: called by Node with this call's environment and info; null outputs are allowed.
    let status =
        unsafe { sys::napi_get_cb_info(env, info, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &mut session) };
    if status != sys::Status::napi_ok || session.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the pointer is the `Rc` of `step_function`, alive until `release_step`, used on the JavaScript thread
    // only.
    let session = unsafe { &*session.cast::<RefCell<Session>>() };
    let stepped = catch_unwind(AssertUnwindSafe(|| session.borrow_mut().step()));
    let code = match stepped {
        Ok(Ok(code)) => code,
        Ok(Err(fault)) => fail(session, fault),
        Err(panic) => fail(session, panicked(&*panic)),
    };
    let mut result = ptr::null_mut();
    // SAFETY: `env` is this call's environment; the output is a local.
    unsafe { sys::napi_create_int32(env, code, &mut result) };
    result
}

#[cold]
fn fail(session: &RefCell<Session>, fault: Fault) -> i32 {
    if let Ok(mut session) = session.try_borrow_mut() {
        session.fault = Some(fault);
    }
    FAILED
}

// SAFETY: only Node calls it, once, as the finalizer of `step_function`'s function, with the pointer given there.
unsafe extern "C" fn release_step(_env: sys::napi_env, session: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the pointer came from `Rc::into_raw` in `step_function` and is given back exactly once.
    drop(unsafe { Rc::from_raw(session.cast::<RefCell<Session>>()) });
}
