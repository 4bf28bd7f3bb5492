//! Files that octets are put into, and what is known of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sigscan::judge::Status;
use sigscan::trust::{TrustStore, certificates_below};
use sigscan::{HashMode, Options, Record, Scanner, Time};

/// The moment of all verdicts.
pub const AT: &str = "2026-06-01T00:00:00Z";

/// The fixtures' folder.
#[must_use]
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn trust() -> TrustStore {
    let files: Vec<PathBuf> =
        ["root", "tsa-root"].iter().map(|stem| testdata().join(format!("pki/{stem}.pem"))).collect();
    sigscan::trust::load_paths(&files).expect("the fixtures' roots")
}

pub(crate) fn scanner(hashes: HashMode) -> Scanner {
    let options = Options { hashes, ..Options::at(Time::parse_rfc3339(AT).expect("a moment")) };
    let intermediates = certificates_below(&[testdata().join("intermediates")]).expect("certificates");
    Scanner::with_trust(options, trust()).with_intermediates(intermediates)
}

/// Judges verdicts only.
pub static QUICK: LazyLock<Scanner> = LazyLock::new(|| scanner(HashMode::None));
/// Computes whatever there is.
pub static THOROUGH: LazyLock<Scanner> = LazyLock::new(|| scanner(HashMode::All));

/// A PE file: where the fields are that no digest covers.
#[derive(Clone)]
pub struct Host {
    pub name: String,
    pub octets: Vec<u8>,
    pub record: Record,
    pub checksum: usize,
    pub directory: usize,
    pub table: usize,
}

fn dword(octets: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(octets.get(at..at + 4)?.try_into().ok()?) as usize)
}

impl Host {
    /// Reads the few fields that matter here, without sigscan.
    fn of(path: &Path) -> Option<Host> {
        let octets = fs::read(path).ok()?;
        let optional = dword(&octets, 0x3c)? + 24;
        let wide = octets.get(optional..optional + 2)? == [0x0b, 2];
        let directory = optional + if wide { 112 } else { 96 } + 4 * 8;
        let (start, size) = (dword(&octets, directory)?, dword(&octets, directory + 4)?);
        let table = if size == 0 { octets.len() } else { start };
        if table > octets.len() || (size != 0 && start + size != octets.len()) {
            return None;
        }
        let name = path.file_name()?.to_str()?.to_owned();
        let record = QUICK.scan_bytes(&name, &octets);
        Some(Host { name, octets, record, checksum: optional + 64, directory, table })
    }

    /// The file with these octets as the only entry of its certificate table.
    #[must_use]
    pub fn with_table(&self, blob: &[u8]) -> Vec<u8> {
        let mut file = self.octets[..self.table].to_vec();
        file.resize(file.len().next_multiple_of(8), 0);
        let start = file.len() as u32;
        let length = blob.len() as u32 + 8;
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&[0, 2, 2, 0]);
        file.extend_from_slice(blob);
        file.resize(file.len().next_multiple_of(8), 0);
        let size = file.len() as u32 - start;
        file[self.directory..self.directory + 4].copy_from_slice(&start.to_le_bytes());
        file[self.directory + 4..self.directory + 8].copy_from_slice(&size.to_le_bytes());
        file
    }

    /// Whether every digest covers the octet at this place.
    #[must_use]
    pub fn covers(&self, at: usize) -> bool {
        at < self.table
            && !(self.checksum..self.checksum + 4).contains(&at)
            && !(self.directory..self.directory + 8).contains(&at)
    }

    /// The octets of the first entry.
    #[must_use]
    pub fn blob(&self) -> Option<&[u8]> {
        let length = dword(&self.octets, self.table)?;
        self.octets.get(self.table + 8..self.table + length)
    }
}

fn hosts() -> Vec<Host> {
    let mut paths: Vec<PathBuf> = fs::read_dir(testdata().join("fixtures"))
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().is_some_and(|word| word == "exe"))
        .filter_map(|path| Host::of(path))
        .collect()
}

/// All fixtures whose table ends the file.
pub static ALL: LazyLock<Vec<Host>> = LazyLock::new(hosts);

/// Those that are Valid with the fixtures' roots.
pub static VALID: LazyLock<Vec<Host>> =
    LazyLock::new(|| ALL.iter().filter(|host| host.record.status == Status::Valid).cloned().collect());

/// Who signed any of them, and when, according to verified timestamps.
pub static KNOWN: LazyLock<(BTreeSet<(String, String)>, BTreeSet<String>)> = LazyLock::new(|| {
    let signatures = || VALID.iter().flat_map(|host| &host.record.signatures);
    let signers = signatures()
        .filter_map(|one| one.signer.as_ref())
        .map(|signer| (signer.subject.clone(), signer.serial.clone()));
    let stamps = signatures().flat_map(|one| &one.timestamps).filter(|stamp| stamp.verified);
    (signers.collect(), stamps.filter_map(|stamp| stamp.time.clone()).collect())
});

/// A file that nobody ever signed.
pub static NOBODYS: LazyLock<Host> = LazyLock::new(|| {
    let mut host = ALL.iter().find(|host| host.name == "pe32.exe").expect("pe32.exe").clone();
    // In the stub that MS-DOS would run.
    host.octets[0x50] ^= 0x55;
    host
});

/// The signatures of all fixtures, and of how many files they are.
#[must_use]
pub fn seeds_of_blobs() -> (Vec<Vec<u8>>, usize) {
    let blobs: BTreeSet<Vec<u8>> =
        ALL.iter().filter_map(Host::blob).filter(|blob| !blob.is_empty()).map(<[u8]>::to_vec).collect();
    (blobs.into_iter().collect(), ALL.len())
}
