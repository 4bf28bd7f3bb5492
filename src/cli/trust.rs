//! `sigscan trust`: what is believed, from when until when, and where that comes from.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::{TrustArgs, TrustBuildArgs, TrustCommand};
use crate::asn1::{Time, oids};
use crate::record::{key_text, usage_text};
use crate::trust::{Disallowed, Ingredients, Limit, LimitDate, LoadError, Root, TrustStore, build_store, load_paths};
use crate::x509::Name;

/// Runs the subcommand; an error is a sentence for a person.
pub(super) fn run(args: &TrustArgs, out: &mut dyn Write) -> Result<(), String> {
    let writing = |error: io::Error| error.to_string();
    if let Some(TrustCommand::Build(build)) = &args.command {
        return make(build, out);
    }
    let store = match args.trust_store.as_slice() {
        [] => TrustStore::embedded(),
        paths => load_paths(paths).map_err(|error| error.to_string())?,
    };
    match &args.command {
        Some(TrustCommand::List) => list(&store, out).map_err(writing),
        _ => provenance(&store, out).map_err(writing),
    }
}

/// The store with the disallowed lists at these paths. Signed ones are Microsoft's, so that a root that is built into
/// Windows has to stand behind them, whatever the store is; in a store file given by the user, one that it calls so.
pub(super) fn distrusting(store: TrustStore, paths: &[PathBuf]) -> Result<TrustStore, String> {
    let built_in = TrustStore::embedded();
    let disallowed = Disallowed::load(paths, &built_in).map_err(|error| format!("--disallowed {error}"))?;
    for list in disallowed.lists().iter().filter(|list| list.unreadable > 0) {
        let name = crate::output::escape::for_terminal(&list.name);
        eprintln!("sigscan: {name}: {} entries are no hash that is known here, and distrust nothing", list.unreadable);
    }
    Ok(store.with_disallowed(disallowed))
}

fn provenance(store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    for part in store.provenance() {
        writeln!(out, "{}", part.name)?;
        if !part.date.is_empty() {
            writeln!(out, "  date       {} (sequence {})", part.date, part.sequence)?;
        }
        for source in &part.sources {
            writeln!(out, "  source     {source}")?;
        }
        writeln!(out, "  roots      {}", part.roots)?;
        writeln!(out, "  programme  {} members, with their dates and usages", part.program)?;
        writeln!(out, "  built in   {} held by Windows itself and exempt from those", part.built_in)?;
    }
    let roots = store.roots();
    let for_usage = |oid: &[u8]| {
        let allowed = |root: &&Root<'_>| root.built_in || root.usages.is_none_or(|list| list.contains(oid));
        let (all, free) = (roots.iter().filter(allowed), roots.iter().filter(allowed));
        (all.count(), free.filter(|root| !limited(root, oid)).count())
    };
    let (code, code_free) = for_usage(oids::EKU_CODE_SIGNING);
    let (stamp, stamp_free) = for_usage(oids::EKU_TIME_STAMPING);
    writeln!(out, "  code signing   {code} roots, {code_free} of them without a date limit")?;
    writeln!(out, "  time stamping  {stamp} roots, {stamp_free} of them without a date limit")
}

fn limited(root: &Root<'_>, oid: &[u8]) -> bool {
    let covers = |limit: &Limit<'_>| {
        let named = limit.usages.map(|list| list.contains(oid));
        match limit.date {
            LimitDate::At(_) => named.unwrap_or(true),
            LimitDate::Cleared => false,
            LimitDate::Absent => named.unwrap_or(false),
        }
    };
    !root.built_in && (covers(&root.not_before_limit) || covers(&root.disabled))
}

fn list(store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    let mut roots: Vec<(String, Root<'_>)> =
        store.roots().into_iter().map(|root| (Name::decode(root.subject).to_string(), root)).collect();
    roots.sort_by(|left, right| (&left.0, left.1.thumbprint_sha256).cmp(&(&right.0, right.1.thumbprint_sha256)));
    for (subject, root) in roots {
        writeln!(out, "{}", crate::output::escape::for_terminal(&subject))?;
        let thumbprint: String = root.thumbprint_sha1.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "  sha1      {thumbprint}  {}", key_text(root.spki))?;
        let date = |time: Option<Time>| time.map_or_else(|| "unreadable".to_owned(), Time::to_rfc3339);
        writeln!(out, "  validity  {} to {}", date(root.not_before), date(root.not_after))?;
        if root.built_in {
            writeln!(out, "  built into Windows: every usage, no dates")?;
            continue;
        }
        writeln!(out, "  usages    {}", usages(root.usages))?;
        limit(out, "not for certificates issued from", &root.not_before_limit)?;
        limit(out, "not for signatures made from", &root.disabled)?;
    }
    Ok(())
}

fn usages(list: Option<crate::trust::OidList<'_>>) -> String {
    list.map_or_else(|| "all".to_owned(), |list| list.iter().map(usage_text).collect::<Vec<_>>().join(", "))
}

fn limit(out: &mut dyn Write, what: &str, limit: &Limit<'_>) -> io::Result<()> {
    let covered = usages(limit.usages);
    match limit.date {
        LimitDate::At(date) => writeln!(out, "  {what} {date}: {covered}"),
        LimitDate::Absent if limit.usages.is_some() => writeln!(out, "  {what} ever: {covered}"),
        LimitDate::Absent | LimitDate::Cleared => Ok(()),
    }
}

fn make(args: &TrustBuildArgs, out: &mut dyn Write) -> Result<(), String> {
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
    writeln!(
        out,
        "{}: {} bytes, {missing} entries of the list without a certificate",
        args.output.display(),
        store.len()
    )
    .map_err(|error| error.to_string())
}
