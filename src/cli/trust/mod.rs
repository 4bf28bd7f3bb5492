//! `sigscan trust`: what is believed, from when until when, and where that comes from.

mod args;
mod diff;
mod export;
mod facts;
mod list;
mod standing;
mod update;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use args::{TrustArgs, TrustCommand};

use self::args::{BuildArgs, Usage};
use self::standing::{allows, limited};
use super::run::{closed_pipe, now};
use super::words::plural;
use crate::output::escape::for_terminal;
use crate::trust::{Disallowed, Ingredients, LoadError, Root, TrustStore, build_store, load_paths};

impl TrustArgs {
    /// The store that the options name, with what they distrust.
    pub(super) fn store(&self) -> Result<TrustStore, String> {
        let store = match self.trust_store.as_slice() {
            [] => TrustStore::embedded(),
            paths => load_paths(paths).map_err(|error| error.to_string())?,
        };
        if self.disallowed.is_empty() { Ok(store) } else { distrusting(store, &self.disallowed) }
    }
}

/// Runs the subcommand; an error is a sentence for a person.
pub(super) fn run(args: &TrustArgs, out: &mut dyn Write) -> Result<(), String> {
    match &args.command {
        None | Some(TrustCommand::Check(_)) => written(provenance(&args.store()?, out)),
        Some(TrustCommand::List(list)) => written(list::list(list, &args.store()?, out)),
        Some(TrustCommand::Show(show)) => list::show(show, show.at.unwrap_or_else(now), &args.store()?, out),
        Some(TrustCommand::Diff(diff)) => diff::run(diff, out),
        Some(TrustCommand::Export(export)) => export::run(export, &args.store()?, &args.trust_store, out),
        Some(TrustCommand::Update(new)) => update::run(new, &args.store()?, now(), out),
        Some(TrustCommand::Build(build)) => make(build, out),
    }
}

/// A reader that has seen enough closes the pipe; that is no failure.
fn written(result: io::Result<()>) -> Result<(), String> {
    result.or_else(closed_pipe).map_err(|error| error.to_string())
}

/// The store with the disallowed lists at these paths. Signed ones are Microsoft's: a root that is built into Windows
/// has to stand behind them, one that the embedded store or a store file of the user's calls so.
pub(super) fn distrusting(store: TrustStore, paths: &[PathBuf]) -> Result<TrustStore, String> {
    let anchors = TrustStore::embedded().with(store.clone());
    let disallowed = Disallowed::load(paths, &anchors).map_err(|error| format!("--disallowed {error}"))?;
    for list in disallowed.lists().iter().filter(|list| list.unreadable > 0) {
        let name = for_terminal(&list.name);
        match list.unreadable {
            1 => eprintln!("sigscan: {name}: 1 entry is no hash that is known here, and distrusts nothing"),
            more => eprintln!("sigscan: {name}: {more} entries are no hash that is known here, and distrust nothing"),
        }
    }
    Ok(store.with_disallowed(disallowed))
}

fn provenance(store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    for part in store.provenance() {
        writeln!(out, "{}", for_terminal(&part.name))?;
        if !part.date.is_empty() {
            let (date, sequence) = (for_terminal(&part.date), for_terminal(&part.sequence));
            writeln!(out, "  date       {date} (sequence {sequence})")?;
        }
        for source in &part.sources {
            writeln!(out, "  source     {}", for_terminal(source))?;
        }
        if !part.missing.is_empty() {
            let roots = plural(part.missing.len() as u64, "root", "roots");
            writeln!(out, "  missing    {roots} of the list, not trusted")?;
        }
        writeln!(out, "  roots      {}", part.roots)?;
        writeln!(out, "  programme  {} members, with their dates and usages", part.program)?;
        writeln!(out, "  built in   {} held by Windows itself and exempt from those", part.built_in)?;
    }
    let roots = store.roots();
    let count = |usage| {
        let allowed: Vec<&Root<'_>> = roots.iter().filter(|root| allows(root, usage)).collect();
        (allowed.len(), allowed.iter().filter(|root| !limited(root, usage)).count())
    };
    let (code, code_free) = count(Usage::CodeSigning);
    let (stamp, stamp_free) = count(Usage::TimeStamping);
    writeln!(out, "  code signing   {code} roots, {code_free} of them without a date limit")?;
    writeln!(out, "  time stamping  {stamp} roots, {stamp_free} of them without a date limit")?;
    for list in store.disallowed().lists() {
        let mut notes = Vec::new();
        notes.extend(list.superseded.then(|| "superseded by a later one, not used".to_owned()));
        match list.unreadable {
            0 => {}
            1 => notes.push("1 more that is no hash known here".to_owned()),
            more => notes.push(format!("{more} more that are no hash known here")),
        }
        let notes = if notes.is_empty() { String::new() } else { format!(", {}", notes.join(", ")) };
        let title = for_terminal(&list.title()).into_owned();
        writeln!(out, "distrusting {title}: {}{notes}", plural(list.entries as u64, "entry", "entries"))?;
    }
    Ok(())
}

fn make(args: &BuildArgs, out: &mut dyn Write) -> Result<(), String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| LoadError::Io(path.to_owned(), error).to_string());
    let (list, certificates, built_in) = (read(&args.list)?, read(&args.certificates)?, read(&args.built_in)?);
    let ingredients = Ingredients {
        list: &list,
        certificates: &certificates,
        built_in: &built_in,
        name: "Microsoft root programme",
        sources: &args.source,
    };
    let (store, missing) = build_store(&ingredients).map_err(|error| error.to_string())?;
    std::fs::write(&args.output, &store).map_err(|error| format!("{}: {error}", args.output.display()))?;
    let output = args.output.display();
    written(writeln!(out, "{output}: {} bytes, {missing} entries of the list without a certificate", store.len()))
}
