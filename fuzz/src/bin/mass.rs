//! Damages signatures and files by the million and judges them.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --no-default-features --bin mass -- --signatures N --files N`

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sigscan_fuzz::mass::{Mode, Outcome, Run, Stock};

const HELP: &str = "mass [--signatures N] [--files N] [--seed S] [--jobs J] [--corpus DIR] [--failures DIR] [--skip SIGNATURES,FILES]
mass --seed S --only MODE:CASE

Damages N signatures and N files, of the fixtures or of the signed files in DIR (up to 256 KiB each), in J threads. The same
seed gives the same cases; --skip leaves out the first ones, to go on where an earlier run was stopped. After every block of
cases it prints what all of them came to; a table by kind of damage and status follows at the end. Files that are judged
wrongly go to DIR (fuzz/failures); --only judges one of them again. Exit status 1 if there is any.";

/// Cases between two lines of progress.
const BLOCK: u64 = 100_000;

struct Arguments {
    signatures: u64,
    files: u64,
    seed: u64,
    jobs: usize,
    skip: [u64; 2],
    corpus: Option<PathBuf>,
    failures: PathBuf,
    only: Option<(Mode, u64)>,
}

fn arguments() -> Option<Arguments> {
    let failures = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
    let mut found =
        Arguments { signatures: 0, files: 0, seed: 1, jobs: 1, skip: [0; 2], corpus: None, failures, only: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--signatures" => found.signatures = value.parse().ok()?,
            "--files" => found.files = value.parse().ok()?,
            "--seed" => found.seed = value.parse().ok()?,
            "--jobs" => found.jobs = value.parse().ok()?,
            "--skip" => {
                let (signatures, files) = value.split_once(',')?;
                found.skip = [signatures.parse().ok()?, files.parse().ok()?];
            }
            "--corpus" => found.corpus = Some(value.into()),
            "--failures" => found.failures = value.into(),
            "--only" => {
                let (mode, case) = value.split_once(':')?;
                let mode = [Mode::Signatures, Mode::Files].into_iter().find(|one| one.name() == mode)?;
                found.only = Some((mode, case.parse().ok()?));
            }
            _ => return None,
        }
    }
    Some(found)
}

fn main() -> ExitCode {
    let Some(given) = arguments() else {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    };
    let stock = given.corpus.as_deref().map_or_else(Stock::fixtures, Stock::corpus);
    let (files, [signatures, certificates, timestamps]) = stock.counts();
    println!(
        "seed {}, {files} files; sound: {signatures} signatures, {certificates} certificates, {timestamps} timestamps",
        given.seed
    );
    let run = Run { stock: &stock, seed: given.seed, jobs: given.jobs, failures: Some(given.failures) };
    let mut all = Outcome::default();
    if let Some((mode, case)) = given.only {
        run.case(mode, case, &mut Vec::new(), &mut all);
    } else {
        // A caught panic is told once, with its case.
        std::panic::set_hook(Box::new(|_| {}));
        // Both together, so that a run that is stopped has had its share of each.
        let (mut at, wanted) = (given.skip, [given.signatures, given.files]);
        while at.iter().zip(&wanted).any(|(at, wanted)| at < wanted) {
            for (index, mode) in [Mode::Signatures, Mode::Files].into_iter().enumerate() {
                let share = if index == 0 {
                    BLOCK
                } else {
                    (BLOCK * given.files).div_ceil(given.signatures.max(1)).clamp(1, BLOCK)
                };
                let to = wanted[index].min(at[index] + share).max(at[index]);
                all.take(run.cases(mode, at[index]..to));
                at[index] = to;
            }
            println!("{}", all.summary());
        }
    }
    print!("{}", all.table());
    ExitCode::from(u8::from(all.failures > 0))
}
