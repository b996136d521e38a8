//! A process of another engine: lines in, lines out, each waited for with a limit.
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::ready::folder;

/// A JVM on a busy machine takes its time.
const WAIT: Duration = Duration::from_secs(240);

/// Settings of a session in the form both engines read.
pub struct Settings<'a> {
    pub name: &'static str,
    pub connection: &'static str,
    pub begin: &'static str,
    pub sender: &'static str,
    pub target: &'static str,
    pub port: u16,
    /// Further lines.
    pub more: &'a str,
}

impl Settings<'_> {
    /// A folder of its own, emptied.
    fn folder(&self) -> PathBuf {
        let folder = folder().join("run").join(format!("{}-{}", self.name, std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn text(&self, store: &str) -> String {
        let Settings { connection, begin, sender, target, port, more, .. } = self;
        let place = match *connection {
            "acceptor" => format!("SocketAcceptPort={port}\nSocketReuseAddress=Y\n"),
            _ => format!("SocketConnectHost=127.0.0.1\nSocketConnectPort={port}\nReconnectInterval=1\nHeartBtInt=30\n"),
        };
        format!(
            "[DEFAULT]\nConnectionType={connection}\nStartTime=00:00:00\nEndTime=00:00:00\nFileStorePath={store}\n\
             {place}{more}\n[SESSION]\nBeginString={begin}\nSenderCompID={sender}\nTargetCompID={target}\n"
        )
    }
}

/// Ended with the value.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// All that was said, for the message of a failure.
    said: Vec<String>,
    /// Lines before these have been looked at, for what is expected and for what is done.
    at: usize,
    done: usize,
    folder: PathBuf,
}

impl Peer {
    /// Starts it; the settings' file is its last word.
    pub fn start(words: &[String], settings: &Settings<'_>) -> Peer {
        let folder = settings.folder();
        let file = folder.join("settings.cfg");
        std::fs::write(&file, settings.text(&folder.join("store").display().to_string())).unwrap();
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .arg(&file)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The reader has gone with its test.
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Peer { child, input, lines, said: Vec::new(), at: 0, done: 0, folder }
    }

    /// Gives it a line, and waits until it has done what it says.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}")
            .unwrap_or_else(|error| panic!("{error} telling {line}\n{}", self.said.join("\n")));
        self.done = self.find(&["done"], self.done) + 1;
    }

    /// Waits for a line that holds all of these, from one that is known on; its place.
    fn find(&mut self, parts: &[&str], mut at: usize) -> usize {
        let until = Instant::now() + WAIT;
        loop {
            while let Some(line) = self.said.get(at) {
                if parts.iter().all(|part| line.contains(part)) {
                    return at;
                }
                at += 1;
            }
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no {parts:?} in\n{}", self.said.join("\n")),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {parts:?}\n{}", self.said.join("\n")),
            }
        }
    }

    /// Waits for a line that holds all of these, and returns it; those before it are passed over.
    pub fn expect(&mut self, parts: &[&str]) -> String {
        let found = self.find(parts, self.at);
        self.at = found + 1;
        self.said[found].clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
