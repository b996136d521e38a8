//! # Room card: xtask
//! In:    the workspace's files and the types of the core.
//! Out:   `gen` writes the generated files, `tidy` checks the rules of the house; one line a check, a count at the end.
//! Holds: nothing is typed twice: layouts, codes and configuration types come from the Rust that runs.
//! Costs: a development tool; no part of the product.
#![forbid(unsafe_code)]

mod fix_dictionaries;
mod r#gen;
mod source;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- gen     write the generated files
       cargo run -p xtask -- tidy    check the rules of the house (generated files included)
       cargo run -p xtask -- fix-dictionaries FOLDER    make the FIX tables from FIX40.xml to FIXT11.xml there";

fn root() -> PathBuf {
    // The crate stands two folders below the workspace's root.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap_or_else(|_| PathBuf::from("."))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["gen"] => r#gen::write(&root()),
        ["tidy"] => tidy::run(&root()),
        ["fix-dictionaries", folder] => fix_dictionaries::write(&root(), Path::new(folder)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
