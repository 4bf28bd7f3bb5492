//! Downloads to be carried to another machine: files named by their content, and a manifest of where each came from.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::asn1::Time;
use crate::crypto::{DigestAlgorithm, digest};
use crate::scan::{Need, Wanted};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.jsonl";

/// A folder of downloads with its manifest.
#[derive(Debug)]
pub struct Keep {
    folder: PathBuf,
    notes: Mutex<BTreeSet<String>>,
}

/// A file that was kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    name: String,
    sha256: String,
    fetched: Time,
}

/// A line of the manifest.
#[derive(Serialize)]
struct Note<'n> {
    url: &'n str,
    file: &'n str,
    sha256: &'n str,
    what: &'static str,
    certificate_serial: &'n str,
    certificate_sha256: &'n str,
    fetched_at: String,
}

impl Keep {
    /// Keeps downloads in this folder, which is made if need be.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path) -> io::Result<Keep> {
        std::fs::create_dir_all(folder)?;
        Ok(Keep { folder: folder.to_owned(), notes: Mutex::default() })
    }

    /// Writes octets under a name made of their digest.
    pub(super) fn write(&self, wanted: Wanted, bytes: &[u8], fetched: u64) -> io::Result<Kept> {
        let sha256 = digest(DigestAlgorithm::Sha256, bytes).map_or_else(String::new, |value| value.to_string());
        let extension = match wanted {
            Wanted::Issuer => "crt",
            Wanted::Crl => "crl",
            Wanted::Ocsp => "ocsp",
        };
        let name = format!("{}.{extension}", sha256.get(..32).unwrap_or(&sha256));
        self.put(&name, bytes)?;
        Ok(Kept { name, sha256, fetched: Time(i64::try_from(fetched).unwrap_or(i64::MAX)) })
    }

    /// Notes where a file came from and for which certificate.
    pub(super) fn note(&self, need: &Need, url: &str, kept: &Kept) {
        let note = Note {
            url,
            file: &kept.name,
            sha256: &kept.sha256,
            what: need.wanted.title(),
            certificate_serial: &need.serial,
            certificate_sha256: &need.thumbprint_sha256,
            fetched_at: kept.fetched.to_rfc3339(),
        };
        let Ok(line) = serde_json::to_string(&note) else { return };
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
    }

    /// Writes the manifest, sorted; gives how many lines it has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&self) -> io::Result<usize> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let text: String = notes.iter().flat_map(|note| [note, "\n"]).collect();
        self.put(MANIFEST, text.as_bytes())?;
        Ok(notes.len())
    }

    /// A whole file or none, readable as any other that somebody makes.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(self.folder.join(name)).map_err(|error| error.error)?;
        Ok(())
    }
}
