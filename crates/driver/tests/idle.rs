//! An engine with nothing to do leaves the processor alone. A binary of its own: the thread is found by its name.
#![cfg(target_os = "linux")]
mod common;

use std::time::Duration;

use common::{PUSHED, Session};

/// Processor time of the engine's thread in clock ticks (10 ms).
fn ticks() -> u64 {
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == "fafnir-engine" {
            let stat = read("stat");
            // utime and stime are fields 14 and 15; the name before them ends with the last parenthesis.
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            return fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    panic!("no engine thread");
}

#[test]
fn an_idle_engine_sleeps() {
    let session = Session::start(PUSHED, None);
    std::thread::sleep(Duration::from_millis(200));
    let before = ticks();
    std::thread::sleep(Duration::from_secs(1));
    let used = ticks() - before;
    assert!(used <= 15, "{used} of 100 ticks while idle");
    drop(session);
}
