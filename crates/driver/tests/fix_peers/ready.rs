//! Makes the engines of others ready to run: compiled or unpacked below cargo's target folder, nothing installed.
//!
//! What is not on the machine is fetched with the ordinary clients (apt-get, mvn) in a long run and in CI; elsewhere a
//! run uses what is there. In a long run a peer that cannot be had is a failure, otherwise the test says that it was
//! skipped, and why.
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fix_peers");
const CPP: &str = include_str!("peer.cpp");
const POM: &str = include_str!("pom.xml");

/// `FAFNIR_LONG=1`: every peer must run.
pub fn long() -> bool {
    std::env::var_os("FAFNIR_LONG").is_some_and(|value| value == "1")
}

fn may_fetch() -> bool {
    long() || std::env::var_os("CI").is_some()
}

/// Folder of everything the peers need and write.
pub fn folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    target.parent().unwrap_or(target).join("peers")
}

/// Runs a program to its end; what it printed when it failed.
fn run<S: AsRef<OsStr>>(program: &str, words: &[S], within: &Path) -> Result<(), String> {
    let output = Command::new(program).args(words).current_dir(within).output();
    match output.map_err(|error| format!("{program}: {error}"))? {
        output if output.status.success() => Ok(()),
        output => {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            let last: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
            Err(format!("{program} failed: {}", last.join(" / ")))
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn make(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Was this made from this text?
fn is_made(stamp: &Path, text: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|made| made == text)
}

/// Debian's package of QuickFIX, unpacked: the folder that holds its `usr`.
fn debian() -> Result<PathBuf, String> {
    let system = Path::new("/");
    if system.join("usr/include/quickfix/Session.h").exists() {
        return Ok(system.to_path_buf());
    }
    let folder = folder().join("debian");
    let root = folder.join("root");
    if root.join("usr/include/quickfix/Session.h").exists() {
        return Ok(root);
    }
    if !may_fetch() {
        return Err("libquickfix-dev is not installed".into());
    }
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    make(&lists.join("partial"))?;
    make(&cache.join("archives/partial"))?;
    let own = [format!("-oDir::State::lists={}", lists.display()), format!("-oDir::Cache={}", cache.display())];
    let words = |rest: &[&str]| own.iter().cloned().chain(rest.iter().map(ToString::to_string)).collect::<Vec<_>>();
    run("apt-get", &words(&["update"]), &folder)?;
    run("apt-get", &words(&["download", "libquickfix17", "libquickfix-dev"]), &folder)?;
    for entry in std::fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run("dpkg-deb", &[OsStr::new("-x"), path.as_os_str(), root.as_os_str()], &folder)?;
        }
    }
    // The lists are as long as the distribution.
    let _ = std::fs::remove_dir_all(&lists);
    let _ = std::fs::remove_dir_all(&cache);
    Ok(root)
}

fn compile_cpp() -> Result<PathBuf, String> {
    let folder = folder();
    make(&folder.join("debian"))?;
    let (program, stamp) = (folder.join("peer"), folder.join("peer.made-from"));
    if program.exists() && is_made(&stamp, CPP) {
        return Ok(program);
    }
    let root = debian()?;
    let library = root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let words = [
        // Its headers have exception specifications, which C++17 no longer has.
        "-std=c++14".to_string(),
        "-O1".into(),
        "-w".into(),
        format!("-I{}", root.join("usr/include").display()),
        format!("{HERE}/peer.cpp"),
        "-o".into(),
        program.display().to_string(),
        format!("-L{}", library.display()),
        format!("-Wl,-rpath,{}", library.display()),
        "-lquickfix".into(),
        "-lpthread".into(),
    ];
    run("c++", &words, &folder)?;
    write(&stamp, CPP)?;
    Ok(program)
}

fn fetch_java() -> Result<PathBuf, String> {
    let folder = folder();
    let (library, stamp) = (folder.join("java"), folder.join("java.made-from"));
    run("java", &["-version"], Path::new("."))?;
    if is_made(&stamp, POM) {
        return Ok(library);
    }
    if !may_fetch() {
        return Err("QuickFIX/J has not been fetched".into());
    }
    make(&library)?;
    let words = [
        "-q".to_string(),
        "-B".into(),
        "-f".into(),
        format!("{HERE}/pom.xml"),
        "dependency:copy-dependencies".into(),
        format!("-DoutputDirectory={}", library.display()),
    ];
    run("mvn", &words, &folder)?;
    write(&stamp, POM)?;
    Ok(library)
}

/// `None`: said why, and the test has nothing to do. Fails in a long run.
fn or_skip(made: &Result<PathBuf, String>, what: &str) -> Option<PathBuf> {
    match made {
        Ok(path) => Some(path.clone()),
        Err(why) if long() => panic!("{what} cannot be had: {why}"),
        Err(why) => {
            println!("skipped: trading with {what}: {why}");
            None
        }
    }
}

/// Words that start the terminal over QuickFIX, before `initiator SETTINGS` or `acceptor SETTINGS`.
pub fn quickfix() -> Option<Vec<String>> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    or_skip(MADE.get_or_init(compile_cpp), "QuickFIX").map(|program| vec![program.display().to_string()])
}

/// Words that start a JVM with QuickFIX/J, before a class or a source file.
fn java() -> Option<Vec<String>> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let library = or_skip(MADE.get_or_init(fetch_java), "QuickFIX/J")?;
    let words = ["java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"];
    Some(words.into_iter().map(String::from).chain([format!("{}/*", library.display())]).collect())
}

/// Words that start the terminal over QuickFIX/J.
pub fn quickfix_j() -> Option<Vec<String>> {
    java().map(|words| [words, vec![format!("{HERE}/Peer.java")]].concat())
}

/// Words that start QuickFIX/J's own order match, before its settings.
pub fn order_match() -> Option<Vec<String>> {
    java().map(|words| [words, vec!["quickfix.examples.ordermatch.Main".into()]].concat())
}
