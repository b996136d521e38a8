//! # Room card: bindings/node/exchange
//! In:    a configuration as JSON.
//! Out:   an exchange on a native thread, its ports and its state as JSON.
//! Holds: it runs from construction to `close`; the environment that creates it owns it: its cleanup closes it.
//! Costs: a call is a message to the thread and back; nothing is called while it runs.
use std::cell::RefCell;
use std::rc::Rc;

use driver::exchange::ExchangeHost as Host;
use napi::Env;
use napi_derive::napi;
use types::Fault;
use types::config::ExchangeConfig;

use crate::errors::{argument, guard};

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| argument(error.to_string()))
}

/// An exchange on a native thread; it runs from construction to `close`.
#[napi]
pub struct ExchangeHost {
    host: Rc<RefCell<Host>>,
}

#[napi]
impl ExchangeHost {
    /// Opens its sources, its ledger and its ports, and begins.
    #[napi(constructor)]
    pub fn new(env: &Env, config_json: String) -> napi::Result<ExchangeHost> {
        let host = guard(|| {
            let (config, setup) = ExchangeConfig::from_json(&config_json)?;
            Ok(Rc::new(RefCell::new(Host::start(&config, &setup)?)))
        })?;
        let at_exit = host.clone();
        env.add_env_cleanup_hook(at_exit, |host| {
            // Nobody is left to tell.
            drop(guard(|| host.borrow_mut().close()));
        })?;
        Ok(ExchangeHost { host })
    }

    /// `{ market, orders }`: the ports it listens on, as JSON.
    #[napi]
    pub fn ports(&self) -> napi::Result<String> {
        guard(|| json(&self.host.borrow().ports()))
    }

    /// What it has done so far, as JSON; throws the fault that ended it.
    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        guard(|| json(&self.host.borrow().stats()?))
    }

    /// Ends it and joins the thread; its last word about itself, as JSON. Throws the fault that ended it.
    #[napi]
    pub fn close(&self) -> napi::Result<String> {
        guard(|| json(&self.host.borrow_mut().close()?))
    }
}
