//! # Room card: bindings/node/fix
//! In:    a configuration of FIX sessions, the memory of a ring, a doorbell function; batches of commands.
//! Out:   the sessions on a native thread; their events as records in the ring, read without a call.
//! Holds: the environment that creates it owns it: its cleanup logs out and joins the thread, then releases the
//!        memory.
//! Costs: one call a batch of commands, one a batch of events that was read.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use driver::fix::{FixAcceptor, FixHandle, FixInitiator, LogonAnswer, acceptor_setup, initiator_setup};
use napi::bindgen_prelude::{AsyncTask, Buffer, Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use serde::Deserialize;
use types::config::{FixAcceptorConfig, FixInitiatorConfig};
use types::{Code, Fault};

use crate::engine::region_of;
use crate::errors::{argument, guard};
use crate::fix_events::{FixEvents, FixOutlet};
use crate::port::{Doorbell, locked};
use crate::task::{NativeTask, spawn};

/// Questions about Logons that wait for the event loop; with more, a Logon is closed.
const QUESTIONS_MAX: usize = 4_096;
/// Asks the application about a Logon.
type Questions = ThreadsafeFunction<Buffer, (), Buffer, Status, false, true, QUESTIONS_MAX>;

/// Words before the bytes of a command: kind, session, lengths of its three parts.
const COMMAND_WORDS: usize = 5;

/// What the application says once, at the start.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FixOptions {
    /// MsgTypes it takes; `None`: all.
    pub accepts: Option<Vec<String>>,
    /// It is shown administrative messages too.
    pub admin: bool,
    /// It is told of each command that was carried out, not only of those that could not be.
    pub results: bool,
    /// It decides on the Logons of peers.
    pub decides: bool,
    /// It adds fields to its own Logons.
    pub signs: bool,
}

enum Running {
    Acceptor(FixAcceptor),
    Initiator(FixInitiator),
}

impl Running {
    fn close(&mut self) -> Result<(), Fault> {
        match self {
            Running::Acceptor(acceptor) => acceptor.close(),
            Running::Initiator(initiator) => initiator.close(),
        }
    }
}

struct Host {
    running: Arc<Mutex<Option<Running>>>,
    closing: bool,
    handle: FixHandle,
    address: Option<String>,
    outlet: Arc<FixOutlet>,
    /// Keeps the view, and so the memory of the ring, alive.
    _memory: Uint8Array,
}

/// FIX sessions hosted in this process.
#[napi]
pub struct FixHost {
    host: Rc<RefCell<Host>>,
}

fn closed() -> Fault {
    Fault::new(Code::FixClosed, "the FIX sessions are closed", vec![])
}

fn start(
    role: &str,
    config: &str,
    options: &str,
    events: Uint8Array,
    bell: Doorbell,
    questions: Questions,
) -> Result<Rc<RefCell<Host>>, Fault> {
    let options: FixOptions = serde_json::from_str(options).map_err(|error| argument(error.to_string()))?;
    let ring = Box::new(move || {
        // A full queue means the doorbell is ringing already.
        bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
    });
    let outlet = Arc::new(FixOutlet::new(region_of(&events)?, ring)?);
    let ask = Box::new(move |question: Vec<u8>| {
        questions.call(question.into(), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    });
    let application = Box::new(FixEvents::new(outlet.clone(), options, ask));
    let (running, handle, address) = match role {
        "acceptor" => {
            let acceptor = FixAcceptor::start(acceptor_setup(&FixAcceptorConfig::from_json(config)?)?, application)?;
            let (handle, address) = (acceptor.handle(), acceptor.address().to_string());
            (Running::Acceptor(acceptor), handle, Some(address))
        }
        "initiator" => {
            let (sessions, host) = initiator_setup(&FixInitiatorConfig::from_json(config)?)?;
            let initiator = FixInitiator::start(sessions, host, application)?;
            let handle = initiator.handle();
            (Running::Initiator(initiator), handle, None)
        }
        _ => return Err(argument(format!("\"{role}\" is no role: acceptor or initiator"))),
    };
    let running = Arc::new(Mutex::new(Some(running)));
    Ok(Rc::new(RefCell::new(Host { running, closing: false, handle, address, outlet, _memory: events })))
}

/// One command of a batch: kind, session, parts, and the bytes behind it.
type Command<'a> = (u32, u32, [&'a [u8]; 3], &'a [u8]);

fn command(bytes: &[u8]) -> Option<Command<'_>> {
    let (words, mut rest) = bytes.split_at_checked(COMMAND_WORDS * 4)?;
    let mut read = [0u32; COMMAND_WORDS];
    for (word, four) in read.iter_mut().zip(words.chunks_exact(4)) {
        *word = u32::from_le_bytes(four.try_into().ok()?);
    }
    let [kind, session, lengths @ ..] = read;
    let mut parts: [&[u8]; 3] = [b""; 3];
    for (part, length) in parts.iter_mut().zip(lengths) {
        (*part, rest) = rest.split_at_checked(length as usize)?;
    }
    Some((kind, session, parts, rest))
}

/// The answer to a question: its number and what is answered, then the content.
fn answer(question: &[u8], content: &[u8]) -> Result<(u64, LogonAnswer), Fault> {
    let (Some(ask), Some(what)) = (question.first_chunk::<8>(), question.get(8)) else {
        return Err(argument("an answer names its question"));
    };
    let answer = match what {
        0 => LogonAnswer::Accept(content.to_vec()),
        1 => LogonAnswer::Refuse(String::from_utf8_lossy(content).into_owned()),
        _ => LogonAnswer::Close,
    };
    Ok((u64::from_le_bytes(*ask), answer))
}

fn carry_out(handle: &FixHandle, (kind, session, [first, second, third], _): Command<'_>) -> Result<u64, Fault> {
    let done = match kind {
        0 => handle.send(session, first, second, third),
        1 => {
            let text = core::str::from_utf8(first).map_err(|_| argument("a logout's text is not UTF-8"))?;
            handle.logout(session, text)
        }
        2 => handle.logon(session),
        3 => handle.reset(session),
        4 => handle.restart(session),
        5 => {
            let (ask, answer) = answer(first, second)?;
            handle.answer_logon(session, ask, &answer)
        }
        _ => return Err(argument(format!("{kind} is no kind of command"))),
    };
    done.map_err(|code| Fault::new(code, "the command was not queued", vec![("session", session.to_string())]))
}

#[napi]
impl FixHost {
    /// Starts the thread. `role` is "acceptor" or "initiator", `configJson` a FixAcceptorConfig or a
    /// FixInitiatorConfig, `optionsJson` {accepts, admin, results, decides, signs}, `events` the memory of an orders
    /// ring. `asked` gets each question about a Logon: its number, the session's names, a record as in the ring.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        role: String,
        config_json: String,
        options_json: String,
        events: Uint8Array,
        doorbell: Function<'_, (), ()>,
        asked: Function<'_, Buffer, ()>,
    ) -> napi::Result<FixHost> {
        let bell: Doorbell = doorbell.build_threadsafe_function().weak::<true>().max_queue_size::<1>().build()?;
        let questions: Questions =
            asked.build_threadsafe_function().weak::<true>().max_queue_size::<QUESTIONS_MAX>().build()?;
        let host = guard(|| start(&role, &config_json, &options_json, events, bell, questions))?;
        env.add_env_cleanup_hook(host.clone(), |host| {
            let closed = guard(|| {
                // Waits for a close that is under way: the memory goes after this.
                *locked(&host.borrow().running) = None;
                Ok(())
            });
            // Nobody is left to tell.
            drop(closed);
        })?;
        Ok(FixHost { host })
    }

    /// Where an acceptor listens, "host:port"; nothing for an initiator.
    #[napi]
    pub fn address(&self) -> napi::Result<Option<String>> {
        guard(|| Ok(self.host.borrow().address.clone()))
    }

    /// Queues commands, each of five words (kind: 0 send, 1 logout, 2 logon, 3 reset, 4 restart, 5 answer; session;
    /// bytes of type, header and body, or of the question's number with 0 accept, 1 refuse, 2 close, and fields or
    /// text) and its bytes. Returns how many bytes of the batch were taken: less than all when the queue is full.
    /// Tickets are counted from 1 in the order of the commands. Throws ARGUMENT_INVALID, FIX_CLOSED.
    #[napi]
    pub fn send_batch(&self, batch: Uint8Array) -> napi::Result<u32> {
        guard(|| {
            let host = self.host.borrow();
            if host.closing {
                return Err(closed());
            }
            let mut rest: &[u8] = &batch;
            while !rest.is_empty() {
                let next = command(rest).ok_or_else(|| argument("a batch of commands ends within one"))?;
                match carry_out(&host.handle, next) {
                    Ok(_) => rest = next.3,
                    Err(fault) if fault.code == Code::FixQueueFull => break,
                    Err(fault) => return Err(fault),
                }
            }
            u32::try_from(batch.len() - rest.len()).map_err(|_| argument("a batch has less than 4 GiB"))
        })
    }

    /// Room was made in the ring: what waited for it is written. True when something still waits.
    #[napi]
    pub fn drained(&self) -> napi::Result<bool> {
        guard(|| Ok(self.host.borrow().outlet.drained()))
    }

    /// What the sessions did as JSON: {"waitingBytes", "refused", "lost"}: events that wait for room, messages that
    /// were refused because none was left, events that were dropped because of it.
    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        guard(|| Ok(self.host.borrow().outlet.stats()))
    }

    /// Logs out, waits some seconds for the answers, joins the thread. The event loop goes on meanwhile.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn close(&self) -> napi::Result<AsyncTask<NativeTask>> {
        let running = guard(|| {
            let host = &mut *self.host.borrow_mut();
            host.closing = true;
            Ok(host.running.clone())
        })?;
        spawn(None, None, move |_| {
            locked(&running).take().map_or(Ok(()), |mut running| running.close())?;
            Ok(String::new())
        })
    }

    /// The same at once, and the caller waits: for a process that ends without having closed. Idempotent.
    #[napi]
    pub fn close_now(&self) -> napi::Result<()> {
        guard(|| {
            let running = {
                let host = &mut *self.host.borrow_mut();
                host.closing = true;
                host.running.clone()
            };
            *locked(&running) = None;
            Ok(())
        })
    }
}
