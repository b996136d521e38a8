//! # Room card: bindings/node/engine
//! In:    a configuration, the memory of three rings, a doorbell function.
//! Out:   an engine on a native thread; its rings are read and its commands written without a call.
//! Holds: the environment that creates it owns it: its cleanup cancels orders, joins the thread, then releases the
//!        memory.
//! Costs: calls only at start, wake, kill and close.
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use driver::{Hosted, HostedOptions, HostedSummary};
use napi::bindgen_prelude::{Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use ring::Region;
use types::{Code, Fault};

use crate::errors::{argument, guard};

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
    /// Starts the engine's thread. `optionsJson`: {"journalDir": string | null}.
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
            let options: serde_json::Value =
                serde_json::from_str(&options_json).map_err(|error| argument(error.to_string()))?;
            let journal_dir = options.get("journalDir").and_then(|dir| dir.as_str()).map(PathBuf::from);
            let options = HostedOptions {
                market: region_of(&market)?,
                orders: region_of(&orders)?,
                commands: region_of(&commands)?,
                latest: None,
                doorbell: Box::new(move || {
                    // A full queue means the doorbell is ringing already.
                    bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
                }),
                journal_dir,
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

    /// Cancels everything, joins the thread, returns what it did as JSON.
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

fn summary_json(summary: &HostedSummary) -> String {
    let fault = summary.fault.as_ref().map(|fault| {
        let fields: serde_json::Map<String, serde_json::Value> =
            fault.fields.iter().map(|(key, value)| ((*key).to_string(), value.clone().into())).collect();
        serde_json::json!({
            "code": fault.code.name(), "room": fault.code.room(), "message": fault.message, "fields": fields,
        })
    });
    serde_json::json!({
        "effectsHash": summary.hash, "turns": summary.turns, "malformed": summary.malformed,
        "dropped": summary.dropped, "fault": fault,
    })
    .to_string()
}
