//! `sigscan trust update`: a store file from a newer root list of Microsoft's.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use super::args::UpdateArgs;
use super::written;
use crate::asn1::Time;
use crate::cli::words::plural;
use crate::guard::guarded;
use crate::online::{Client, Limits, Pace};
use crate::output::escape::for_terminal;
use crate::trust::{Loaded, TrustStore, Update, Updated, certificates_below, update};

/// A root list of more octets is refused; Microsoft's has 200 KB.
const MAX_LIST: u64 = 16 << 20;

pub(super) fn run(args: &UpdateArgs, current: &TrustStore, now: Time, out: &mut dyn Write) -> Result<(), String> {
    let Found { list, mut certificates } = find(args)?;
    certificates.extend(certificates_below(&args.certificates).map_err(|error| error.to_string())?);
    let mut sources = vec![args.from.clone()];
    sources.extend(args.certificates.iter().map(|path| path.display().to_string()));
    sources.push(format!("what was known of its roots: {} of {}", current.name(), current.date()));
    let ingredients =
        Update { list: &list, certificates: &certificates, current, now, allow_rollback: args.allow_rollback, sources };
    let from = for_terminal(&args.from).into_owned();
    let updated = update(&ingredients).map_err(|why| {
        let hint = if why.contains("older than") { "; --allow-rollback takes it all the same" } else { "" };
        format!("{from}: the root list is refused: {why}{hint}")
    })?;
    write(&args.output, &updated.store)?;
    written(describe(&args.output, &updated, out))
}

fn describe(output: &Path, updated: &Updated, out: &mut dyn Write) -> std::io::Result<()> {
    let made = &updated.provenance;
    let path = output.display().to_string();
    writeln!(out, "{}: {} of {}", for_terminal(&path), for_terminal(&made.name), for_terminal(&made.date))?;
    writeln!(out, "  sequence   {}", for_terminal(&made.sequence))?;
    writeln!(out, "  roots      {}, {} of the programme, {} built in", made.roots, made.program, made.built_in)?;
    writeln!(out, "  new        {}", updated.added)?;
    writeln!(out, "  removed    {}", updated.removed)?;
    if !made.missing.is_empty() {
        let entries = plural(made.missing.len() as u64, "root", "roots");
        writeln!(
            out,
            "  missing    {entries} of the list, which --certificates did not give and which nothing trusts:"
        )?;
        for thumbprint in &made.missing {
            writeln!(out, "    {thumbprint}")?;
        }
    }
    Ok(())
}

/// Whole or not at all: whoever reads the store meanwhile sees the old one or the new one.
fn write(output: &Path, store: &[u8]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", output.display());
    let folder = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666)); // less what the umask takes
    }
    let mut file = builder.prefix(".sigscan-store").tempfile_in(folder).map_err(failed)?;
    file.write_all(store).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(output).map_err(|error| failed(error.error)).map(drop)
}

/// A root list, and certificates that lay beside it.
struct Found {
    list: Vec<u8>,
    certificates: Vec<Vec<u8>>,
}

fn find(args: &UpdateArgs) -> Result<Found, String> {
    let from = for_terminal(&args.from).into_owned();
    let named = |why: String| format!("{from}: {why}");
    let lower = args.from.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let limits = Limits { bytes: MAX_LIST, ..Limits::LARGE };
        let client = Client::new(args.allow_host.clone(), Pace::default());
        let bytes = client.get(&args.from, limits).map_err(|error| named(error.to_string()))?;
        return Ok(Found { list: unpacked(bytes).map_err(named)?, certificates: Vec::new() });
    }
    let path = PathBuf::from(&args.from);
    if path.is_dir() {
        return in_folder(&path);
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&path).map_err(|error| named(error.to_string()))?;
    file.take(MAX_LIST.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| named(error.to_string()))?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(named(format!("more than {MAX_LIST} bytes are no root list")));
    }
    Ok(Found { list: unpacked(bytes).map_err(named)?, certificates: Vec::new() })
}

/// The one root list of a folder; certificates beside it are taken, too.
fn in_folder(folder: &Path) -> Result<Found, String> {
    let loaded = Loaded::from_paths(&[folder.to_owned()]).map_err(|error| error.to_string())?;
    let mut lists: Vec<Vec<u8>> =
        loaded.lists.into_iter().map(|(_, list)| list).filter(|list| is_root_list(list)).collect();
    match (lists.pop(), lists.len()) {
        (Some(list), 0) => Ok(Found { list, certificates: loaded.certificates.into_values().collect() }),
        (None, _) => Err(format!("{}: no root list in it", folder.display())),
        (Some(_), more) => Err(format!("{}: {} root lists in it; name one", folder.display(), more.saturating_add(1))),
    }
}

/// Whether it claims to be one; nothing is believed.
fn is_root_list(bytes: &[u8]) -> bool {
    crate::trust::claimed_usages(bytes).iter().any(|usage| usage == crate::asn1::oids::EKU_ROOT_LIST_SIGNER)
}

/// The list itself, or the one in a cabinet as Microsoft ships it (`authrootstl.cab`).
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"MSCF") {
        return Ok(bytes);
    }
    // Nothing of a cabinet is believed before its list is verified, and its reader panics at offsets that lie outside.
    guarded(|| in_cabinet(&bytes))
        .unwrap_or_else(|_| Err("the cabinet cannot be read: an offset in it lies outside".to_owned()))
}

fn in_cabinet(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("the cabinet cannot be read: {error}");
    let mut cabinet = cab::Cabinet::new(Cursor::new(bytes)).map_err(unreadable)?;
    let files = cabinet.folder_entries().flat_map(cab::FolderEntry::file_entries);
    let name = files
        .filter(|file| file.name().to_ascii_lowercase().ends_with(".stl"))
        .map(|file| file.name().to_owned())
        .next()
        .ok_or("no trust list in the cabinet")?;
    let mut list = Vec::new();
    let file = cabinet.read_file(&name).map_err(unreadable)?;
    file.take(MAX_LIST.saturating_add(1)).read_to_end(&mut list).map_err(unreadable)?;
    if list.len() as u64 > MAX_LIST {
        return Err(format!("the list in the cabinet has more than {MAX_LIST} bytes"));
    }
    Ok(list)
}
