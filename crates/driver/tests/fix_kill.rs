//! A process that holds a FIX session in files is killed at random moments, again and again; its session goes on.
mod fix_support;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fafnir_driver::fix::{FixHandle, SessionEntry, StoreChoice};
use fix_support::*;
use types::Code;
use types::rng::SplitMix64;
use wire::fix::{BeginString, Role};

const CHILD: &str = "FAFNIR_FIX_KILL_CHILD";

fn kept(folder: &Path, role: Role, sender: &str, target: &str) -> SessionEntry {
    let store = StoreChoice::Files(folder.to_path_buf(), Default::default());
    SessionEntry { store, ..entry(role, BeginString::Fix44, sender, target) }
}

/// Runs in a process of its own: `role port folder life`. It ends when its input does, or when it is killed.
#[test]
fn child() {
    let Ok(line) = std::env::var(CHILD) else { return };
    let words: Vec<&str> = line.split(' ').collect();
    let (at, folder) = (words[1].parse().unwrap(), PathBuf::from(words[2]));
    if words[0] == "acceptor" {
        let _running = acceptor_at(at, vec![kept(&folder, Role::Acceptor, "ACCEPTOR", "PEER")]);
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let entry = SessionEntry { addresses: vec![at.to_string()], ..kept(&folder, Role::Initiator, "PEER", "ACCEPTOR") };
    let (running, mut story) = initiator(vec![entry]);
    story.logon();
    let handle = running.handle();
    std::thread::spawn(move || {
        for number in 1..u64::MAX {
            // Refused for now, or for ever: what was not taken has no number.
            while handle.send(0, b"D", b"", &order(words_life(), number)).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if number % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn words_life() -> u64 {
    std::env::var(CHILD).ok().and_then(|line| line.split(' ').nth(3)?.parse().ok()).unwrap_or(0)
}

fn order(life: u64, number: u64) -> Vec<u8> {
    format!("11={life}.{number}\x0121=1\x0138=100\x0140=1\x0154=1\x0155=INTC\x0160=20260101-00:00:00\x01").into_bytes()
}

fn start(line: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, line)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn rounds() -> u64 {
    if std::env::var("FAFNIR_LONG").is_ok() { 1_000 } else { 20 }
}

/// Sessions end because a connection did, never because a number was wrong.
fn no_number_was_wrong(story: &[Told]) {
    let wrong = story.iter().find(|told| {
        matches!(told, Told::Logout(_, Some(Code::FixSequence)) | Told::Fault(_, Code::FixSequence | Code::FixLogon))
    });
    assert_eq!(wrong, None);
}

fn send(handle: &FixHandle, life: u64, number: u64) {
    let end = Instant::now() + PATIENCE;
    while handle.send(0, b"D", b"", &order(life, number)).is_err() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_acceptor_that_is_killed_answers_every_order() {
    let (folder, at, seed) = (scratch("fix-kill-acceptor"), free_port(), 0x6b11);
    let ours = SessionEntry {
        addresses: vec![at.to_string()],
        ..kept(&folder.join("ours"), Role::Initiator, "PEER", "ACCEPTOR")
    };
    let line = format!("acceptor {at} {}", folder.join("theirs").display());
    let (running, mut story) = initiator(vec![ours]);
    let (handle, mut random) = (running.handle(), SplitMix64::new(seed));
    let mut sent = 0;
    for _ in 0..rounds() {
        let mut child = start(&line);
        story.logon();
        let end = Instant::now() + Duration::from_micros(random.below(150_000));
        while Instant::now() < end {
            sent += 1;
            send(&handle, 0, sent);
            if random.below(20) == 0 {
                std::thread::sleep(Duration::from_micros(random.below(2_000)));
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        story.until("its end", |told| matches!(told, Told::Logout(0, _)));
    }
    let mut child = start(&line);
    story.logon();
    sent += 1;
    send(&handle, 0, sent);
    let last = format!("0.{sent}");
    story.until("the last order", |told| matches!(told, Told::Message(_, kind, id, _) if kind == "D" && *id == last));
    child.kill().unwrap();
    child.wait().unwrap();
    no_number_was_wrong(&story.so_far);
    let mut times: BTreeMap<u64, u64> = BTreeMap::new();
    let mut first = Vec::new();
    for told in &story.so_far {
        if let Told::Message(_, kind, id, _) = told {
            assert_eq!(kind, "D");
            let number = id.strip_prefix("0.").unwrap().parse().unwrap();
            let seen = times.entry(number).or_default();
            *seen += 1;
            if *seen == 1 {
                first.push(number);
            }
        }
    }
    assert_eq!(first, (1..=sent).collect::<Vec<_>>(), "seed {seed}: each order came back, in order");
    let more: u64 = times.values().map(|times| times - 1).sum();
    println!("{sent} orders, {} kills, {more} answered again", rounds());
    drop(running);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_initiator_that_is_killed_loses_no_order() {
    let (folder, seed) = (scratch("fix-kill-initiator"), 0x6b12);
    let (accepting, mut story) = acceptor(vec![kept(&folder.join("ours"), Role::Acceptor, "ACCEPTOR", "PEER")]);
    let mut random = SplitMix64::new(seed);
    for life in 1..=rounds() {
        let line = format!("initiator {} {} {life}", accepting.address(), folder.join("theirs").display());
        let mut child = start(&line);
        story.logon();
        std::thread::sleep(Duration::from_micros(random.below(150_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        story.until("its end", |told| matches!(told, Told::Logout(0, _)));
    }
    story.look();
    no_number_was_wrong(&story.so_far);
    let mut lives: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut orders, mut again) = (0, 0);
    for told in &story.so_far {
        let Told::Message(_, kind, id, poss_dup) = told else { continue };
        assert_eq!(kind, "D");
        let (life, number) = id.split_once('.').unwrap();
        let (life, number) = (life.parse().unwrap(), number.parse::<u64>().unwrap());
        let last = lives.entry(life).or_default();
        if number <= *last {
            assert!(poss_dup, "seed {seed}: {id} came twice and does not say so");
            again += 1;
            continue;
        }
        assert_eq!(number, *last + 1, "seed {seed}: an order before {id} is lost");
        (*last, orders) = (number, orders + 1);
    }
    println!("{orders} orders, {} kills, {again} came again", rounds());
    assert!(orders > 0);
    drop(accepting);
    std::fs::remove_dir_all(folder).unwrap();
}
