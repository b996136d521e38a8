//! # Room card: bindings/node/engine
//! In:    a configuration, the memory of three rings, a doorbell function.
//! Out:   an engine on a native thread; its rings are read and its commands written without a call.
//! Holds: the environment that creates it owns it: its cleanup cancels orders, joins the thread, then releases the
//!        memory.
//! Costs: calls only at start, wake, kill and close.
use std::cell::RefCell;
use std::rc::Rc;

use driver::{Hosted, HostedOptions};
use napi::bindgen_prelude::{Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use ring::Region;
use types::{Code, Fault};

use crate::errors::{argument, guard};
use crate::host::{host_options, kill_on_signals, summary_json};

type Doorbell = ThreadsafeFunction<(), (), (), Status, false, true, 1>;

/// The memory behind a view.
pub(crate) fn region_of(view: &Uint8Array) -> Result<Region, Fault> {
    // SAFETY: the caller keeps the view, and so the memory, as long as the region; all access to it is by atomics.
    unsafe { Region::from_raw(view.as_ptr().cast_mut(), view.len()) }
        .map_err(|error| argument(format!("a ring's memory cannot be used: {error:?}")))
}

struct Host {
    hosted: Option<Hosted>,
    _memory: [Uint8Array; 3],
}

/// An engine hosted in this process.
#[napi]
pub struct EngineHost {
    host: Rc<RefCell<Host>>,
}

#[napi]
impl EngineHost {
    /// Starts the engine's thread. `optionsJson` is a HostConfig, and "failAtTurn" for a drill: the engine panics in that
    /// turn.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        config_json: String,
        options_json: String,
        market: Uint8Array,
        orders: Uint8Array,
        commands: Uint8Array,
        doorbell: Function<'_, (), ()>,
    ) -> napi::Result<EngineHost> {
        let bell: Doorbell = doorbell.build_threadsafe_function().weak::<true>().max_queue_size::<1>().build()?;
        let host = guard(|| {
            let (host, fail_at_turn) = host_options(&options_json)?;
            let options = HostedOptions {
                market: region_of(&market)?,
                orders: region_of(&orders)?,
                commands: region_of(&commands)?,
                latest: None,
                doorbell: Box::new(move || {
                    // A full queue means the doorbell is ringing already.
                    bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
                }),
                host,
                fail_at_turn,
                build: backtest::build(),
            };
            let hosted = Some(Hosted::start(&config_json, options)?);
            Ok(Rc::new(RefCell::new(Host { hosted, _memory: [market, orders, commands] })))
        })?;
        let at_exit = host.clone();
        env.add_env_cleanup_hook(at_exit, |host| {
            let closed = guard(|| {
                host.borrow_mut().hosted = None;
                Ok(())
            });
            // Nobody is left to tell.
            drop(closed);
        })?;
        Ok(EngineHost { host })
    }

    /// Tells the engine's thread that commands are waiting.
    #[napi]
    pub fn ring(&self) -> napi::Result<()> {
        guard(|| {
            if let Some(hosted) = &self.host.borrow().hosted {
                hosted.wake();
            }
            Ok(())
        })
    }

    /// Pulls the kill switch.
    #[napi]
    pub fn kill(&self) -> napi::Result<()> {
        guard(|| {
            if let Some(hosted) = &self.host.borrow().hosted {
                hosted.kill();
            }
            Ok(())
        })
    }

    /// The newest state as JSON, at most 50 ms old; no engine is waited for. Throws ENGINE_CLOSED.
    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        guard(|| match &self.host.borrow().hosted {
            Some(hosted) => Ok(hosted.stats()),
            None => Err(Fault::new(Code::EngineClosed, "the engine is closed", vec![])),
        })
    }

    /// The owner's sign of life, for the dead-man timer.
    #[napi]
    pub fn alive(&self) -> napi::Result<()> {
        guard(|| {
            if let Some(hosted) = &self.host.borrow().hosted {
                hosted.alive();
            }
            Ok(())
        })
    }

    /// From now on these signals (SIGINT, SIGTERM, SIGUSR2, …) pull the kill switch, on a thread of its own: also while
    /// the event loop is blocked. For commands only: a library installs no handler. Throws ARGUMENT_INVALID.
    #[napi]
    pub fn kill_on_signals(&self, signals: Vec<String>) -> napi::Result<()> {
        guard(|| match &self.host.borrow().hosted {
            Some(hosted) => kill_on_signals(&signals, hosted.killer()),
            None => Err(Fault::new(Code::EngineClosed, "the engine is closed", vec![])),
        })
    }

    /// Cancels everything, awaits the answers as long as `closeMillis` says, joins the thread; what it did as JSON.
    #[napi]
    pub fn close(&self) -> napi::Result<String> {
        guard(|| {
            let mut hosted = self.host.borrow_mut().hosted.take();
            match hosted.as_mut().and_then(Hosted::close) {
                Some(summary) => Ok(summary_json(&summary)),
                None => Err(Fault::new(Code::EngineClosed, "the engine is closed", vec![])),
            }
        })
    }
}
