//! `sigscan trust list` and `sigscan trust show`.

use std::io::{self, Write};

use super::args::{ListArgs, ShowArgs, Usage};
use super::facts::{Facts, list_text, sorted};
use super::standing::{allows, limited, sentences, trusted_at};
use super::written;
use crate::asn1::Time;
use crate::cli::page::{Page, plain};
use crate::cli::report::Terminal;
use crate::cli::style::{Ink, Style};
use crate::hex::lower as hex;
use crate::output::escape::for_terminal;
use crate::trust::{Limit, LimitDate, OidList, Root, TrustStore};
use crate::x509::{Name, key_text, usage_text};

pub(super) fn list(args: &ListArgs, store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    for (subject, root) in sorted(store).into_iter().filter(|(_, root)| wanted(args, root)) {
        if args.json {
            serde_json::to_writer(&mut *out, &Facts::of(&root))?;
            writeln!(out)?;
        } else {
            entry(&subject, &root, out)?;
        }
    }
    Ok(())
}

/// Without `--usage` a root counts when it fits for code signing or for time stamping.
fn wanted(args: &ListArgs, root: &Root<'_>) -> bool {
    let usages: &[Usage] = match &args.usage {
        Some(usage) => std::slice::from_ref(usage),
        None => &Usage::ALL,
    };
    let any = |test: &dyn Fn(Usage) -> bool| usages.iter().any(|usage| test(*usage));
    (args.usage.is_none() || any(&|usage| allows(root, usage)))
        && args.trusted_at.is_none_or(|at| any(&|usage| trusted_at(root, usage, at)))
        && (!args.limited || any(&|usage| limited(root, usage)))
}

fn entry(subject: &str, root: &Root<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", for_terminal(subject))?;
    writeln!(out, "  sha1      {}  {}", hex(root.thumbprint_sha1), for_terminal(&key_text(root.spki)))?;
    let date = |time: Option<Time>| time.map_or_else(|| "unreadable".to_owned(), Time::to_rfc3339);
    writeln!(out, "  validity  {} to {}", date(root.not_before), date(root.not_after))?;
    if root.built_in {
        return writeln!(out, "  built into Windows: every usage, no dates");
    }
    writeln!(out, "  usages    {}", for_terminal(&usages(root.usages)))?;
    limit(out, "not for certificates issued from", &root.not_before_limit)?;
    limit(out, "not for signatures made from", &root.disabled)
}

fn usages(list: Option<OidList<'_>>) -> String {
    let names: Option<Vec<String>> = list.map(|list| list.iter().map(usage_text).collect());
    list_text(names.as_deref())
}

fn limit(out: &mut dyn Write, what: &str, limit: &Limit<'_>) -> io::Result<()> {
    let covered = usages(limit.usages);
    match limit.date {
        LimitDate::At(date) => writeln!(out, "  {what} {date}: {}", for_terminal(&covered)),
        LimitDate::Absent if limit.usages.is_some() => writeln!(out, "  {what} ever: {}", for_terminal(&covered)),
        LimitDate::Absent | LimitDate::Cleared => Ok(()),
    }
}

/// More candidates than this are not named.
const MOST: usize = 20;

pub(super) fn show(args: &ShowArgs, at: Time, store: &TrustStore, out: &mut dyn Write) -> Result<(), String> {
    let found: Vec<(String, Root<'_>)> =
        sorted(store).into_iter().filter(|(subject, root)| fits(&args.root, subject, root)).collect();
    let exact: Vec<&(String, Root<'_>)> = found.iter().filter(|(_, root)| is_called(&args.root, root)).collect();
    let (_, root) = match (found.as_slice(), exact.as_slice()) {
        ([], _) => return Err(format!("no root of the store is called {}", for_terminal(&args.root))),
        ([one], _) => one,
        (_, [one]) => *one,
        (several, _) => return Err(candidates(&args.root, several)),
    };
    let result = if args.json {
        serde_json::to_writer(&mut *out, &Facts::of(root)).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        let terminal = Terminal::look(crate::cli::args::ColorArg::Auto);
        let style = Style { colour: terminal.out_colour };
        out.write_all(page(root, at, store, terminal.out_width, style).as_bytes())
    };
    written(result)
}

fn fits(asked: &str, subject: &str, root: &Root<'_>) -> bool {
    let wanted = asked.to_lowercase();
    let digits: String = wanted.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.len() >= 8 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let starts = |thumbprint: &[u8]| hex(thumbprint).starts_with(&digits);
        return starts(root.thumbprint_sha1) || starts(root.thumbprint_sha256);
    }
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    has(subject) || root.friendly_name.is_some_and(has)
}

/// Whether this is its whole name.
fn is_called(asked: &str, root: &Root<'_>) -> bool {
    let name = Name::decode(root.subject);
    let same = |text: &str| text.to_lowercase() == asked.to_lowercase();
    name.get("CN").is_some_and(same) || root.friendly_name.is_some_and(same)
}

fn candidates(asked: &str, several: &[(String, Root<'_>)]) -> String {
    let mut text = format!("{} roots are called {}; name one by its thumbprint:", several.len(), for_terminal(asked));
    for (subject, root) in several.iter().take(MOST) {
        text.push_str(&format!("\n  {}  {}", hex(root.thumbprint_sha1), for_terminal(subject)));
    }
    if several.len() > MOST {
        text.push_str(&format!("\n  and {} more", several.len().saturating_sub(MOST)));
    }
    text
}

fn page(root: &Root<'_>, at: Time, store: &TrustStore, width: usize, style: Style) -> String {
    let facts = Facts::of(root);
    let shown = |text: &str| plain(for_terminal(text).into_owned());
    let mut page = Page::new(width, style);
    page.headline(&[(Ink::Strong, for_terminal(&facts.subject).into_owned())]);
    page.gap();
    for usage in Usage::ALL {
        page.label(usage.label());
        for sentence in sentences(root, usage, at) {
            page.line(&[plain(sentence)]);
        }
    }
    if let Some(entry) = store.disallowed().find_root(root) {
        page.label("Distrusted");
        page.line(&[(Ink::Bad, format!("by {}: {} {}", for_terminal(&entry.list), entry.kind.name(), entry.value))]);
    }
    page.gap();
    for (name, value) in facts.fields() {
        let (label, dull) = label(name);
        if dull || value == "-" {
            continue;
        }
        page.label(label);
        page.line(&[shown(&value)]);
    }
    page.label("");
    page.line(&[plain(format!("as of {at}"))]);
    page.finish()
}

/// What a person reads for a field, and whether a person does not read it.
fn label(field: &str) -> (&'static str, bool) {
    match field {
        "friendly_name" => ("Called", false),
        "thumbprint_sha1" => ("SHA-1", false),
        "thumbprint_sha256" => ("SHA-256", false),
        "serial" => ("Serial", false),
        "key" => ("Key", false),
        "key_identifier" => ("Key id", false),
        "signature_hash" => ("TBS hash", false),
        "valid_from" => ("Valid from", false),
        "valid_to" => ("Valid to", false),
        "built_in" => ("Built in", false),
        "program" => ("Programme", false),
        "usages" => ("Usages", false),
        "not_before" => ("Not before", false),
        "disabled" => ("Disabled", false),
        "name_constraints" => ("Names", false),
        _ => ("", true),
    }
}
