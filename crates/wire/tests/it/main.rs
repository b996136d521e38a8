//! Messages of every protocol, as bytes and as sessions.
//! One program, since linking is most of what a test program costs.
#[path = "../support/fix_pipe.rs"]
mod pipe;
#[path = "../support/fix.rs"]
mod plain;
#[path = "../support/fix_script.rs"]
mod script;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/fix_world.rs"]
mod world;
#[path = "../ws_support/mod.rs"]
mod ws_support;

mod fix_builder;
mod fix_data_types;
mod fix_framing;
mod fix_index;
mod fix_messages;
mod fix_reports;
mod fix_requests;
mod fix_schedule;
mod fix_session;
mod fix_session_numbers;
mod fix_session_pair;
mod fix_session_restart;
mod fix_session_roles;
mod fix_session_scripts;
mod fix_session_unsent;
mod http_messages;
mod json_encode;
mod json_recordings;
mod ws_frames;
mod ws_handshake;
mod ws_peer;
