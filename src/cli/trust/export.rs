//! `sigscan trust export`: the facts of every root, or the certificates of those that came as such.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::args::{ExportArgs, ExportFormat};
use super::facts::{Facts, sorted};
use super::written;
use crate::hex::lower as hex;
use crate::output::escape::for_csv;
use crate::trust::{TrustStore, certificates_below};

pub(super) fn run(
    args: &ExportArgs,
    store: &TrustStore,
    sources: &[PathBuf],
    out: &mut dyn Write,
) -> Result<(), String> {
    if args.pem {
        return pem(store, sources, out);
    }
    written(match args.format {
        ExportFormat::Jsonl => jsonl(store, out),
        ExportFormat::Csv => csv(store, out),
    })
}

fn jsonl(store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    for (_, root) in sorted(store) {
        serde_json::to_writer(&mut *out, &Facts::of(&root))?;
        writeln!(out)?;
    }
    Ok(())
}

fn csv(store: &TrustStore, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for (number, (_, root)) in sorted(store).into_iter().enumerate() {
        let fields = Facts::of(&root).fields();
        if number == 0 {
            writer.write_record(fields.iter().map(|(name, _)| name))?;
        }
        writer.write_record(
            fields.iter().map(|(_, value)| for_csv(if value == "-" { "" } else { value }).into_owned()),
        )?;
    }
    writer.flush()
}

/// A store file and the embedded store hold no certificates, so that only what was given as one can be written as one.
fn pem(store: &TrustStore, sources: &[PathBuf], out: &mut dyn Write) -> Result<(), String> {
    let mut missing: BTreeSet<String> = sorted(store).iter().map(|(_, root)| hex(root.thumbprint_sha256)).collect();
    let certificates = certificates_below(sources).map_err(|error| error.to_string())?;
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    for der in certificates {
        if missing.remove(&hex(&Sha256::digest(&der))) {
            let block = ::pem::encode_config(&::pem::Pem::new("CERTIFICATE", der), config);
            written(out.write_all(block.as_bytes()))?;
        }
    }
    if !missing.is_empty() {
        eprintln!("sigscan: {} roots of the store are known by their facts alone, and not written", missing.len());
    }
    Ok(())
}
