//! The files of a store under a process that dies at every write, against a model that remembers what was kept.
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use types::UnixNanos;
use types::rng::SplitMix64;

use super::disk::{Disk, Folder};
use super::store::Stored;
use super::store_files::{Files, Trouble};

/// Counts changes; the one it dies at is carried out in part, and then nothing works any more.
pub(super) struct Mortal<D> {
    inner: D,
    /// Changes still to come; `None` lives for ever.
    left: Option<u64>,
    pub(super) changes: u64,
    /// Of the bytes of the last write, how many parts of 8 arrive.
    eighths: u64,
    /// After the fatal change everything works again: the disk was full, the process lives.
    recovers: bool,
}

impl<D: Disk> Mortal<D> {
    pub(super) fn new(inner: D, left: Option<u64>, eighths: u64) -> Mortal<D> {
        Mortal { inner, left, changes: 0, eighths, recovers: false }
    }
    fn alive(&mut self) -> io::Result<()> {
        if self.left == Some(0) && !self.recovers { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
    /// True: this one is the last.
    fn change(&mut self) -> io::Result<bool> {
        self.alive()?;
        self.changes += 1;
        match &mut self.left {
            Some(left @ 1..) => {
                *left -= 1;
                Ok(*left == 0)
            }
            _ => Ok(false),
        }
    }
}

impl<D: Disk> Disk for Mortal<D> {
    type File = D::File;
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.alive()?;
        self.inner.list()
    }
    fn open(&mut self, name: &str) -> io::Result<(D::File, u64)> {
        let last = self.change()?;
        let opened = self.inner.open(name)?;
        if last { Err(io::ErrorKind::StorageFull.into()) } else { Ok(opened) }
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        let last = self.change()?;
        if last && self.eighths < 4 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.remove(name)
    }
    fn read(&mut self, file: &mut D::File, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.alive()?;
        self.inner.read(file, at, into)
    }
    fn write(&mut self, file: &mut D::File, at: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.change()? {
            return self.inner.write(file, at, bytes);
        }
        let part = bytes.len() * self.eighths as usize / 8;
        self.inner.write(file, at, &bytes[..part])?;
        Err(io::ErrorKind::StorageFull.into())
    }
    fn cut(&mut self, file: &mut D::File, length: u64) -> io::Result<()> {
        let last = self.change()?;
        self.inner.cut(file, length)?;
        if last { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
    fn sync(&mut self, _: &mut D::File) -> io::Result<()> {
        self.alive()
    }
    fn sync_names(&mut self) -> io::Result<()> {
        self.alive()
    }
}

/// Files in memory, shared by the lives of a process.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Memory {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap()
    }
}

impl Disk for Memory {
    type File = String;
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }
    fn open(&mut self, name: &str) -> io::Result<(String, u64)> {
        Ok((name.into(), self.files().entry(name.into()).or_default().len() as u64))
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.files().remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }
    fn read(&mut self, file: &mut String, at: u64, into: &mut [u8]) -> io::Result<()> {
        let files = self.files();
        let bytes = files[file.as_str()].get(at as usize..at as usize + into.len());
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn write(&mut self, file: &mut String, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        let held = files.get_mut(file.as_str()).ok_or(io::ErrorKind::NotFound)?;
        held.resize(held.len().max(at as usize + bytes.len()), 0);
        held[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
    fn cut(&mut self, file: &mut String, length: u64) -> io::Result<()> {
        let mut files = self.files();
        files.get_mut(file.as_str()).ok_or(io::ErrorKind::NotFound)?.resize(length as usize, 0);
        Ok(())
    }
    fn sync(&mut self, _: &mut String) -> io::Result<()> {
        Ok(())
    }
    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What should be there.
#[derive(Clone, PartialEq, Debug)]
struct Model {
    stored: Stored,
    kept: BTreeMap<u64, Vec<u8>>,
}

impl Model {
    fn new(now: u64) -> Model {
        Model { stored: Stored { next_in: 1, next_out: 1, created: UnixNanos(now) }, kept: BTreeMap::new() }
    }
}

/// One random change, to the model and to the files.
fn step<D: Disk>(random: &mut SplitMix64, model: &mut Model, files: &mut Files<D>) -> Result<(), Trouble> {
    let Stored { next_in, next_out, .. } = model.stored;
    match random.below(16) {
        0 => {
            *model = Model::new(random.below(1 << 60));
            files.reset(model.stored.created)
        }
        1..=5 => {
            model.stored.next_in += 1 + random.below(3);
            files.numbers(model.stored.next_in, next_out)
        }
        6..=8 => {
            model.stored.next_out += 1;
            files.keep(next_out, b"heartbeat", false)
        }
        9 => {
            model.stored = Stored { next_in: next_in + 1, next_out: next_out + 7, ..model.stored };
            files.numbers(next_in + 1, next_out + 7)
        }
        _ => {
            let message: Vec<u8> = (0..random.below(60)).map(|_| random.below(256) as u8).collect();
            model.stored.next_out += 1;
            model.kept.insert(next_out, message.clone());
            files.keep(next_out, &message, true)
        }
    }
}

/// The kept messages of the files; with a full disk the oldest may be gone, so the model's are compared from there on.
fn messages<D: Disk>(files: &mut Files<D>) -> BTreeMap<u64, Vec<u8>> {
    let (mut from, mut found) = (0, BTreeMap::new());
    while let Some(sequence) = files.next(from).unwrap() {
        found.insert(sequence, files.found().to_vec());
        from = sequence + 1;
    }
    found
}

fn same<D: Disk>(files: &mut Files<D>, model: &Model, bounded: bool) -> bool {
    let found = messages(files);
    let oldest = if bounded { found.keys().next().copied().unwrap_or(u64::MAX) } else { 0 };
    files.stored() == model.stored && model.kept.iter().filter(|(sequence, _)| **sequence >= oldest).eq(found.iter())
}

const STEPS: u64 = 60;

/// Runs a life that ends at its `dies`th change, then another that goes on; returns the changes of the first.
fn lives<D: Disk>(mut disk: impl FnMut() -> D, seed: u64, dies: Option<u64>, eighths: u64, body: u64) -> u64 {
    let mut random = SplitMix64::new(seed);
    let (mut before, mut after) = (Model::new(5), Model::new(5));
    let changes;
    match Files::open(Mortal::new(disk(), dies, eighths), false, body, UnixNanos(5)) {
        Err(Trouble::Refused { .. }) => changes = 0,
        Err(other) => panic!("seed {seed}, {other:?}"),
        Ok(mut files) => {
            for _ in 0..STEPS {
                before = after.clone();
                if step(&mut random, &mut after, &mut files).is_err() {
                    break;
                }
                before = after.clone();
            }
            changes = files.disk_mut().changes;
        }
    }
    let said = format!("seed {seed}, dies at change {dies:?} after {eighths}/8");
    let mut files = Files::open(Mortal::new(disk(), None, 8), false, body, UnixNanos(5)).expect(&said);
    let bounded = body < 1 << 20;
    let mut model = if same(&mut files, &before, bounded) { before } else { after };
    assert!(same(&mut files, &model, bounded), "{said}: {:?} and {model:?}", files.stored());
    for _ in 0..20 {
        step(&mut random, &mut model, &mut files).expect(&said);
        assert!(same(&mut files, &model, bounded), "{said}, going on");
    }
    drop(files);
    let mut again = Files::open(disk(), false, body, UnixNanos(5)).expect(&said);
    assert!(same(&mut again, &model, bounded), "{said}, opened again");
    changes
}

#[test]
fn a_process_that_dies_at_any_write_finds_all_it_kept() {
    for (seed, body) in [(1, 1 << 30), (2, 1 << 30), (3, 400), (4, 700)] {
        let memory = Memory::default();
        let changes = lives(|| memory.clone(), seed, None, 8, body).max(20);
        for dies in 1..=changes {
            for eighths in 0..=8 {
                let memory = Memory::default();
                lives(|| memory.clone(), seed, Some(dies), eighths, body);
            }
        }
    }
}

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fafnir-fix-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn the_same_on_a_real_folder() {
    let path = scratch("folder");
    for dies in (1..90).step_by(4) {
        let life = path.join(dies.to_string());
        std::fs::create_dir(&life).unwrap();
        lives(|| Folder::new(&life), dies, Some(dies), dies % 9, 600);
    }
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn after_a_full_disk_the_same_store_goes_on() {
    for dies in 5..60 {
        for eighths in 0..8 {
            let (memory, mut random) = (Memory::default(), SplitMix64::new(dies));
            let mut disk = Mortal::new(memory.clone(), Some(dies), eighths);
            disk.recovers = true;
            let mut files = Files::open(disk, false, 1 << 30, UnixNanos(5)).unwrap();
            let mut model = Model::new(5);
            let mut refused = 0;
            for _ in 0..STEPS {
                let before = model.clone();
                if step(&mut random, &mut model, &mut files).is_err() {
                    refused += 1;
                    // A reset whose old file could not be removed is one.
                    model = if files.stored() == model.stored { model } else { before };
                }
            }
            assert!(refused <= 1 && same(&mut files, &model, false), "seed {dies}, {eighths}/8");
            let mut again = Files::open(memory, false, 1 << 30, UnixNanos(5)).unwrap();
            assert!(same(&mut again, &model, false), "seed {dies}, {eighths}/8, opened again");
        }
    }
}

#[test]
fn damage_before_the_end_is_told_and_nothing_is_cut() {
    let memory = Memory::default();
    let mut files = Files::open(memory.clone(), false, 1 << 30, UnixNanos(5)).unwrap();
    for sequence in 1..=20 {
        files.keep(sequence, format!("message {sequence}").as_bytes(), true).unwrap();
    }
    drop(files);
    let whole = memory.files()["body-1"].clone();
    for at in 0..whole.len() {
        memory.files().get_mut("body-1").unwrap()[at] ^= 0x10;
        let last = at >= whole.len() - (24 + "message 20".len());
        match Files::open(memory.clone(), false, 1 << 30, UnixNanos(5)) {
            Ok(files) => assert!(last && files.stored().next_out == 20, "byte {at}"),
            Err(trouble) => assert!(!last && matches!(trouble, Trouble::Damaged { .. }), "byte {at}: {trouble:?}"),
        }
        memory.files().insert("body-1".into(), whole.clone());
    }
    // Numbers of which no slot is whole are not begun anew.
    memory.files().get_mut("numbers").unwrap()[9] ^= 1;
    let refused = Files::open(memory.clone(), false, 1 << 30, UnixNanos(5)).err();
    assert!(matches!(refused, Some(Trouble::Damaged { .. })));
}

#[test]
fn a_number_is_kept_once_and_a_bound_holds() {
    let memory = Memory::default();
    let mut files = Files::open(memory.clone(), true, 1_000, UnixNanos(5)).unwrap();
    for sequence in 1..=500u64 {
        files.keep(sequence, &[sequence as u8; 76], true).unwrap();
        let bytes: usize = memory.files().iter().filter(|(name, _)| name.starts_with("body")).map(|f| f.1.len()).sum();
        assert!(bytes <= 2 * 1_000, "two files of ten messages");
    }
    assert!(matches!(files.keep(500, b"again", true), Err(Trouble::NumberUsed { sequence: 500 })));
    let found = messages(&mut files);
    assert!(found.len() >= 10 && found.contains_key(&500) && !found.contains_key(&400), "{:?}", found.keys());
    assert_eq!(files.stored().next_out, 501);
}
