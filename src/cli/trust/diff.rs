//! `sigscan trust diff`: what two stores do not share.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::args::DiffArgs;
use super::facts::{Facts, sorted};
use super::written;
use crate::output::escape::for_terminal;
use crate::trust::{TrustStore, load_paths};

/// A root may stand in several parts of a store: the second one with a thumbprint is another one.
type Roots = BTreeMap<(String, usize), Facts>;

pub(super) fn run(args: &DiffArgs, out: &mut dyn Write) -> Result<(), String> {
    let (old, new) = (roots(&store(&args.old)?), roots(&store(&args.new)?));
    written(if args.json { as_json(&old, &new, out) } else { as_text(&old, &new, out) })
}

fn store(path: &Path) -> Result<TrustStore, String> {
    if path == Path::new("embedded") {
        return Ok(TrustStore::embedded());
    }
    load_paths(&[path.to_owned()]).map_err(|error| error.to_string())
}

fn roots(store: &TrustStore) -> Roots {
    let mut roots = Roots::new();
    for (_, root) in sorted(store) {
        let facts = Facts::of(&root);
        let again = roots.range((facts.thumbprint_sha256.clone(), 0)..=(facts.thumbprint_sha256.clone(), usize::MAX));
        let number = again.count();
        roots.insert((facts.thumbprint_sha256.clone(), number), facts);
    }
    roots
}

/// The fields that differ, each with its old and its new value.
fn changes(old: &Facts, new: &Facts) -> Vec<(&'static str, String, String)> {
    let pairs = old.fields().into_iter().zip(new.fields());
    pairs.filter(|(old, new)| old.1 != new.1).map(|((name, old), (_, new))| (name, old, new)).collect()
}

/// In the order of the newer store's names: removed, added, changed.
fn split<'r>(old: &'r Roots, new: &'r Roots) -> [Vec<(&'r Facts, &'r Facts)>; 3] {
    let only = |left: &'r Roots, right: &Roots| -> Vec<(&'r Facts, &'r Facts)> {
        left.iter().filter(|(key, _)| !right.contains_key(key)).map(|(_, facts)| (facts, facts)).collect()
    };
    let both = old.iter().filter_map(|(key, facts)| Some((facts, new.get(key)?)));
    let mut parts = [only(old, new), only(new, old), both.filter(|(old, new)| old != new).collect()];
    for part in &mut parts {
        part.sort_by(|left, right| {
            (&left.1.subject, &left.1.thumbprint_sha1).cmp(&(&right.1.subject, &right.1.thumbprint_sha1))
        });
    }
    parts
}

fn as_text(old: &Roots, new: &Roots, out: &mut dyn Write) -> io::Result<()> {
    let [removed, added, changed] = split(old, new);
    let mut name = |mark: char, facts: &Facts| {
        writeln!(out, "{mark} {}", for_terminal(&facts.subject))?;
        writeln!(out, "    sha1 {}", facts.thumbprint_sha1)
    };
    for (facts, _) in &removed {
        name('-', facts)?;
    }
    for (facts, _) in &added {
        name('+', facts)?;
    }
    for (old, new) in &changed {
        writeln!(out, "~ {}", for_terminal(&new.subject))?;
        writeln!(out, "    sha1 {}", new.thumbprint_sha1)?;
        for (field, old, new) in changes(old, new) {
            writeln!(out, "    {field}")?;
            writeln!(out, "      - {}", for_terminal(&old))?;
            writeln!(out, "      + {}", for_terminal(&new))?;
        }
    }
    writeln!(out, "{} removed, {} added, {} changed", removed.len(), added.len(), changed.len())
}

fn as_json(old: &Roots, new: &Roots, out: &mut dyn Write) -> io::Result<()> {
    let [removed, added, changed] = split(old, new);
    for (word, part) in [("removed", removed), ("added", added)] {
        for (facts, _) in part {
            writeln!(out, "{}", json!({ "change": word, "root": facts }))?;
        }
    }
    for (old, new) in changed {
        let before: serde_json::Value = serde_json::to_value(old)?;
        let after: serde_json::Value = serde_json::to_value(new)?;
        let fields: serde_json::Map<String, serde_json::Value> = changes(old, new)
            .into_iter()
            .map(|(name, ..)| (name.to_owned(), json!({ "old": before.get(name), "new": after.get(name) })))
            .collect();
        let thumbprint = &new.thumbprint_sha256;
        let line = json!({
            "change": "changed", "subject": new.subject, "thumbprint_sha1": new.thumbprint_sha1,
            "thumbprint_sha256": thumbprint, "fields": fields,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}
