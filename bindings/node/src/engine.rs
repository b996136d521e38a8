//! # Room card: bindings/node/engine
//! In:    a configuration, the memory of rings and registers, a doorbell function; more rings for more threads.
//! Out:   an engine on a native thread; its rings are read and its commands written without a call.
//! Holds: the environment that creates it owns it: its cleanup cancels orders, joins the thread, then releases the
//!        memory.
//! Costs: calls only at start, wake, kill and close.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use driver::{Hosted, HostedOptions, PortHandle, PortOptions};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Function, Uint8Array};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use ring::Region;
use types::{Code, Fault};

use crate::errors::{argument, guard};
use crate::host::{host_options, kill_on_signals, summary_json};
use crate::port::{Bells, Doorbell, locked};
use crate::task::{NativeTask, spawn};

/// The memory behind a view.
pub(crate) fn region_of(view: &Uint8Array) -> Result<Region, Fault> {
    // SAFETY: the caller keeps the view, and so the memory, as long as the region; all access to it is by atomics.
    unsafe { Region::from_raw(view.as_ptr().cast_mut(), view.len()) }
        .map_err(|error| argument(format!("a ring's memory cannot be used: {error:?}")))
}

struct Host {
    /// Locked for long only while it closes; `closing` says so before.
    hosted: Arc<Mutex<Option<Hosted>>>,
    closing: bool,
    /// Wake and kill without the lock.
    port: PortHandle,
    bells: Bells,
    /// Keeps the views, and so the memory of the rings, alive.
    memory: Vec<Uint8Array>,
}

impl Host {
    /// Asks something of an engine that runs. Errors: EngineClosed.
    fn ask<T>(&self, question: impl FnOnce(&Hosted) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.closing {
            return Err(closed());
        }
        locked(&self.hosted).as_ref().map_or_else(|| Err(closed()), question)
    }
}

fn closed() -> Fault {
    Fault::new(Code::EngineClosed, "the engine is closed", vec![])
}

/// Memory of an engine's rings and registers.
#[napi(object)]
pub struct EngineMemory {
    /// The market ring.
    pub market: Uint8Array,
    /// The owner's orders ring.
    pub orders: Uint8Array,
    /// The owner's command ring.
    pub commands: Uint8Array,
    /// The registers of the newest state.
    pub latest: Uint8Array,
}

/// An engine hosted in this process.
#[napi]
pub struct EngineHost {
    host: Rc<RefCell<Host>>,
}

#[napi]
impl EngineHost {
    /// Starts the engine's thread. `optionsJson` is a HostConfig, and "failAtTurn" for a drill: the engine panics in
    /// that turn.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        config_json: String,
        options_json: String,
        memory: EngineMemory,
        doorbell: Function<'_, (), ()>,
    ) -> napi::Result<EngineHost> {
        let bell: Doorbell = doorbell.build_threadsafe_function().weak::<true>().max_queue_size::<1>().build()?;
        let host = guard(|| {
            let (host, fail_at_turn) = host_options(&options_json)?;
            let options = HostedOptions {
                market: region_of(&memory.market)?,
                orders: region_of(&memory.orders)?,
                commands: region_of(&memory.commands)?,
                latest: Some(region_of(&memory.latest)?),
                doorbell: Box::new(move || {
                    // A full queue means the doorbell is ringing already.
                    bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
                }),
                host,
                fail_at_turn,
                build: backtest::build(),
            };
            let hosted = Hosted::start(&config_json, options)?;
            let port = hosted.port(0);
            let EngineMemory { market, orders, commands, latest } = memory;
            let memory = vec![market, orders, commands, latest];
            Ok(Rc::new(RefCell::new(Host {
                hosted: Arc::new(Mutex::new(Some(hosted))),
                closing: false,
                port,
                bells: Bells::default(),
                memory,
            })))
        })?;
        let at_exit = host.clone();
        env.add_env_cleanup_hook(at_exit, |host| {
            let closed = guard(|| {
                // Waits for a close that is under way: the memory goes after this.
                *locked(&host.borrow().hosted) = None;
                Ok(())
            });
            // Nobody is left to tell.
            drop(closed);
        })?;
        Ok(EngineHost { host })
    }

    /// Makes a port of this memory: the engine writes order events into `orders` from now on, beginning with an image,
    /// and takes commands out of `commands`. Returns {"producer", "bell"}: the number the port's references and timers
    /// bear, and the one `PortLink` is made with. Throws ARGUMENT_INVALID, ENGINE_CLOSED.
    #[napi]
    pub fn add_port(&self, orders: Uint8Array, commands: Option<Uint8Array>) -> napi::Result<String> {
        guard(|| {
            let host = &mut *self.host.borrow_mut();
            let memory = (region_of(&orders)?, commands.as_ref().map(region_of).transpose()?);
            let (number, bell) = host.bells.hang();
            let rung = bell.clone();
            let options = PortOptions { orders: memory.0, commands: memory.1, doorbell: Box::new(move || rung.ring()) };
            let joined = host.ask(|hosted| {
                let producer = hosted.join(options)?;
                Bells::known(&bell, hosted.port(producer));
                Ok(producer)
            });
            let producer = joined.inspect_err(|_| Bells::take_down(number))?;
            host.memory.push(orders);
            host.memory.extend(commands);
            Ok(serde_json::json!({ "producer": producer, "bell": number }).to_string())
        })
    }

    /// Tells the engine's thread that commands are waiting.
    #[napi]
    pub fn ring(&self) -> napi::Result<()> {
        guard(|| {
            self.host.borrow().port.wake();
            Ok(())
        })
    }

    /// Pulls the kill switch.
    #[napi]
    pub fn kill(&self) -> napi::Result<()> {
        guard(|| {
            self.host.borrow().port.kill();
            Ok(())
        })
    }

    /// The newest state as JSON, at most 50 ms old; no engine is waited for. Throws ENGINE_CLOSED.
    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        guard(|| self.host.borrow().ask(|hosted| Ok(hosted.stats())))
    }

    /// The owner's sign of life, for the dead-man timer.
    #[napi]
    pub fn alive(&self) -> napi::Result<()> {
        guard(|| {
            let host = self.host.borrow();
            if host.closing {
                return Ok(());
            }
            host.ask(|hosted| {
                hosted.alive();
                Ok(())
            })
        })
    }

    /// From now on these signals (SIGINT, SIGTERM, SIGUSR2, …) pull the kill switch, on a thread of its own: also while
    /// the event loop is blocked. For commands only: a library installs no handler. Throws ARGUMENT_INVALID.
    #[napi]
    pub fn kill_on_signals(&self, signals: Vec<String>) -> napi::Result<()> {
        guard(|| self.host.borrow().ask(|hosted| kill_on_signals(&signals, hosted.killer())))
    }

    /// Cancels everything, awaits the answers as long as `closeMillis` says, joins the thread; what it did as JSON. The
    /// event loop goes on meanwhile.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn close(&self) -> napi::Result<AsyncTask<NativeTask>> {
        let hosted = guard(|| {
            let host = &mut *self.host.borrow_mut();
            if core::mem::replace(&mut host.closing, true) {
                return Err(closed());
            }
            host.bells = Bells::default();
            Ok(host.hosted.clone())
        })?;
        spawn(None, None, move |_| {
            let mut hosted = locked(&hosted);
            let summary = hosted.take().and_then(|mut hosted| hosted.close()).ok_or_else(closed)?;
            Ok(summary_json(&summary))
        })
    }

    /// The same at once, and the caller waits: for a process that ends without having closed. Idempotent.
    #[napi]
    pub fn close_now(&self) -> napi::Result<()> {
        guard(|| {
            let hosted = {
                let host = &mut *self.host.borrow_mut();
                host.closing = true;
                host.hosted.clone()
            };
            *locked(&hosted) = None;
            Ok(())
        })
    }
}
