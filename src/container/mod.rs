//! Where a signature lives and which bytes it covers; one file a format.
//!
//! This room reads file layout only: it knows no CMS, no trust, no time. A new format is one file that
//! implements [`Container`] and one row in [`CONTAINERS`].

mod blocks;
mod cat;
pub mod pe;
mod regions;
mod sniff;
mod source;
mod zip;

use std::io;

pub use regions::HashedRegions;
pub use sniff::{CATALOG_HEAD, Format, is_catalog, is_pkcs7, sniff, sniff_through};
pub use source::{MemorySource, Source, read_exact_at, read_up_to};

use crate::anomaly::Anomaly;

/// Caps on what is read from one file.
#[derive(Debug, Clone, Copy)]
pub struct ContainerLimits {
    /// Largest PKCS#7 that is read, in bytes.
    pub signature_size: u64,
    /// Most certificate table entries that are read.
    pub table_entries: usize,
}

impl Default for ContainerLimits {
    fn default() -> Self {
        // 16 MiB: page hashes cost 36 bytes for each 4 KiB, so this serves signed files of 1.8 GiB.
        ContainerLimits { signature_size: 16 << 20, table_entries: 64 }
    }
}

/// A format that can carry an Authenticode signature.
pub trait Container: Sync {
    /// The format that this container reads.
    fn format(&self) -> Format;

    /// Reads layout and signature blobs.
    ///
    /// # Errors
    /// Only errors of reading; whatever the bytes say becomes part of the [`Subject`].
    fn open(&self, source: &dyn Source, limits: &ContainerLimits) -> io::Result<Subject>;
}

/// The formats that are implemented.
pub const CONTAINERS: &[&dyn Container] = &[&pe::Pe, &cat::Cat];

/// The container for a format, if it is implemented.
#[must_use]
pub fn container_for(format: Format) -> Option<&'static dyn Container> {
    CONTAINERS.iter().find(|container| container.format() == format).copied()
}

/// What a container found in one file.
#[derive(Debug)]
pub struct Subject {
    /// The signatures, primary first.
    pub signatures: Presence,
    /// What the signatures vouch for.
    pub covers: Covers,
    /// The bytes that the signature covers.
    pub regions: HashedRegions,
    /// Facts of layout that only PE files have.
    pub pe: Option<pe::PeFacts>,
    /// What was odd.
    pub anomalies: Vec<Anomaly>,
}

/// The digest by which catalogs list a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedBy {
    /// The Authenticode digest of a PE file.
    Authentihash,
    /// The digest of the whole file.
    File,
    /// None: its certificate table lies where it hides octets of the image from the digest.
    Nothing,
    /// One that is not computed: that of a cabinet's subject interface package.
    Unread,
}

impl ListedBy {
    /// By which digest catalogs list a file of a kind that no container reads. Source: `CryptCATAdminCalcHashFromFileHandle`
    /// (Microsoft), which asks a subject interface package for PE files and cabinets and takes all others as they stand.
    #[must_use]
    pub fn of_kind(format: Format) -> ListedBy {
        if format == Format::Cab { ListedBy::Unread } else { ListedBy::File }
    }
}

impl Subject {
    /// By which digest catalogs list this file, which has so many octets. Source: `CryptCATAdminCalcHashFromFileHandle`
    /// (Microsoft): what a subject interface package can hash by that, everything else as it stands.
    #[must_use]
    pub fn listed_by(&self, length: u64) -> ListedBy {
        match &self.pe {
            None => ListedBy::File,
            Some(facts) if facts.hides_nothing(length) => ListedBy::Authentihash,
            Some(_) => ListedBy::Nothing,
        }
    }
}

/// What the signatures of a format vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The bytes of a PE file outside the signature, by their digest.
    File,
    /// What is inside the signature: the file is nothing but a signed list.
    Itself,
}

/// Whether a file carries signatures.
#[derive(Debug)]
pub enum Presence {
    /// The format's place for a signature is absent or empty.
    None,
    /// A kind of file that has no place for one.
    Unsupported,
    /// There is something, and it holds at least one blob that may be a PKCS#7.
    Blobs(Vec<Blob>),
    /// There is something in the place of a signature that is not as the format demands.
    Malformed {
        /// What is wrong, for a person.
        message: String,
        /// Where, in the file.
        offset: u64,
        /// What could be carved out of it all the same, for the record and never for a better verdict.
        salvaged: Vec<Blob>,
    },
    /// A documented limit was hit before the signature could be read.
    Limit {
        /// Which limit, for a person.
        message: String,
    },
}

impl Presence {
    /// Whether something stands in the place of a signature.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !matches!(self, Presence::None | Presence::Unsupported)
    }

    /// The carved blobs, sound or salvaged.
    #[must_use]
    pub fn blobs(&self) -> &[Blob] {
        match self {
            Presence::Blobs(blobs) | Presence::Malformed { salvaged: blobs, .. } => blobs,
            Presence::None | Presence::Unsupported | Presence::Limit { .. } => &[],
        }
    }
}

/// One carved signature.
#[derive(Debug)]
pub struct Blob {
    /// Bytes from the start of the PKCS#7; what follows its end is counted in `tail`.
    pub bytes: Vec<u8>,
    /// Where `bytes` start in the file.
    pub offset: u64,
    /// The WIN_CERTIFICATE around it: wRevision and wCertificateType.
    pub entry: Option<(u16, u16)>,
    /// Bytes between the end of the PKCS#7 and the end of its entry.
    pub tail: Tail,
}

/// Bytes behind the PKCS#7 inside its WIN_CERTIFICATE (MS13-098).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tail {
    /// How many there are.
    pub length: u64,
    /// File offset of the first one that is not zero.
    pub first_nonzero: Option<u64>,
}
