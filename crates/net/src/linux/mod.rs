//! # Room card: net/linux
//! In:    sockets to watch, a time to wait; a core's number.
//! Out:   readiness by epoll, an eventfd to ring, a thread on its core, a close that is a reset.
//! Holds: Linux only; the crate's only unsafe code is here, each block one system call.
//! Costs: one system call a function.
#![allow(unsafe_code)]

mod affinity;
mod backlog;
mod epoll;
mod reset;

pub(crate) use affinity::pin;
pub(crate) use backlog::widen;
pub(crate) use epoll::Epoll;
pub(crate) use reset::reset_on_close;
