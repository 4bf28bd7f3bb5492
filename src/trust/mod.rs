//! What is believed: roots with their programme properties, and where they come from.
//!
//! A store is a sequence of facts about roots in a compact format of our own ([`format`]); the embedded one,
//! one made from an `authroot.stl` and one made from PEM files are read by the same code. Roots are found by
//! name through an index and match by key, never by name alone.

mod blocklists;
mod build;
mod catalogs;
mod disallowed;
mod format;
mod kernel;
mod load;
mod revocation;
mod update;
pub mod wdac;

use std::borrow::Cow;

pub use blocklists::{BlockLists, ListEntry, ListKind, Named, issuer_serial_key, list_argument};
pub use build::{Ingredients, build_store};
pub use catalogs::{CatalogFolder, CatalogIndex, catalog_folders_below};
pub use disallowed::{Disallowed, DisallowedEntry, DisallowedList, EntryKind, disallowed_from_stl, signature_hash};
pub use format::{FormatError, Provenance, RootFacts, StoreLayout, StoreView, encode};
pub use kernel::{CrossRoot, KernelRoots};
pub use load::{
    LoadError, Loaded, certificate_blocks, certificates_below, certificates_in, claimed_usages, ctl_from_stl,
    load_paths, root_from_certificate, roots_from_ctl,
};
pub use revocation::{
    CrlState, Found, LoadedCrl, LoadedResponse, MAX_REVOCATION_BYTES, RevocationLists, SignedState,
    first_revocation_object,
};

pub use update::{Update, Updated, update};

use sha2::{Digest, Sha256};

use crate::asn1::Time;
use crate::x509::{Certificate, normalised_name};

/// The store that is built into the program. Its origin and date are in its header; see `data/README.md`.
static EMBEDDED: &[u8] = include_bytes!("../../data/roots.bin");

/// A root that may end a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root<'t> {
    /// Subject Name element.
    pub subject: &'t [u8],
    /// SubjectPublicKeyInfo element.
    pub spki: &'t [u8],
    /// Subject key identifier, if the certificate has one.
    pub key_identifier: Option<&'t [u8]>,
    /// Content octets of the serial number.
    pub serial: &'t [u8],
    /// Start of validity.
    pub not_before: Option<Time>,
    /// End of validity.
    pub not_after: Option<Time>,
    /// SHA-1 of the certificate.
    pub thumbprint_sha1: &'t [u8],
    /// SHA-256 of the certificate.
    pub thumbprint_sha256: &'t [u8],
    /// Name that the root programme gives it.
    pub friendly_name: Option<&'t str>,
    /// NameConstraints value that applies below it.
    pub name_constraints: Option<&'t [u8]>,
    /// Hash of the TBSCertificate under the hash of the root's own signature (CERT_SIGNATURE_HASH_PROP_ID), by which
    /// disallowed lists name certificates; `None` when that hash is not known.
    pub signature_hash: Option<&'t [u8]>,
    /// Built into Windows and exempt from the programme's dates and usages.
    pub built_in: bool,
    /// Member of the root programme (Windows calls these third-party roots).
    pub program: bool,
    /// Usages (content octets of OBJECT IDENTIFIERs) that the programme allows; `None` allows all.
    pub usages: Option<OidList<'t>>,
    /// "Certificates issued from here on are not trusted."
    pub not_before_limit: Limit<'t>,
    /// "Nothing signed from here on is trusted."
    pub disabled: Limit<'t>,
    /// Its certificate says that it is no authority: basic constraints without `cA`, or a key usage without keyCertSign
    /// (RFC 5280 sections 4.2.1.9 and 4.2.1.3). It is trusted itself, and issues nothing. Old roots say neither.
    pub end_entity: bool,
}

impl Root<'_> {
    /// Whether a certificate is this one, octet for octet.
    #[must_use]
    pub fn is(&self, certificate: &Certificate<'_>) -> bool {
        self.serial == certificate.serial && Sha256::digest(certificate.raw).as_slice() == self.thumbprint_sha256
    }
}

/// A dated limit of the root programme with the usages that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit<'t> {
    /// The date property: absent, cleared (an empty FILETIME), or a moment.
    pub date: LimitDate,
    /// The usages covered; `None` covers all.
    pub usages: Option<OidList<'t>>,
}

/// State of a date property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitDate {
    /// The property is not there.
    #[default]
    Absent,
    /// The property is there and empty: taken back by Microsoft.
    Cleared,
    /// The moment.
    At(Time),
}

/// A list of OBJECT IDENTIFIER contents, each preceded by its length in one octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OidList<'t>(pub(crate) &'t [u8]);

impl<'t> OidList<'t> {
    /// The identifiers.
    pub fn iter(self) -> impl Iterator<Item = &'t [u8]> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first()?;
            let (oid, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some(oid)
        })
    }

    /// Whether the list names this identifier.
    #[must_use]
    pub fn contains(self, oid: &[u8]) -> bool {
        self.iter().any(|known| known == oid)
    }
}

/// Everything that is believed in one run: one or more stores, read-only.
#[derive(Debug, Clone)]
pub struct TrustStore {
    parts: Vec<Part>,
    name: String,
    date: String,
    disallowed: Disallowed,
}

#[derive(Debug, Clone)]
struct Part {
    bytes: Cow<'static, [u8]>,
    layout: StoreLayout,
}

impl Default for TrustStore {
    /// The embedded store.
    fn default() -> Self {
        TrustStore::embedded()
    }
}

impl TrustStore {
    /// The store built into the program: Microsoft's root programme and the roots built into Windows.
    #[must_use]
    pub fn embedded() -> TrustStore {
        TrustStore::from_bytes(Cow::Borrowed(EMBEDDED)).unwrap_or_else(|_| TrustStore::empty())
    }

    /// A store that trusts nothing.
    #[must_use]
    pub fn empty() -> TrustStore {
        TrustStore::from_parts(Vec::new())
    }

    /// A store of the given facts.
    #[must_use]
    pub fn from_roots(provenance: &Provenance, roots: &[RootFacts]) -> TrustStore {
        TrustStore::from_bytes(Cow::Owned(encode(provenance, roots))).unwrap_or_else(|_| TrustStore::empty())
    }

    /// A store in its file format.
    ///
    /// # Errors
    /// When the bytes are no store.
    pub fn from_bytes(bytes: Cow<'static, [u8]>) -> Result<TrustStore, FormatError> {
        let layout = StoreLayout::parse(&bytes)?;
        Ok(TrustStore::from_parts(vec![Part { bytes, layout }]))
    }

    /// A store file of the user's.
    ///
    /// # Errors
    /// When the bytes are no store, or not those that were written: nothing in a damaged store is believed.
    pub fn from_file(bytes: Vec<u8>) -> Result<TrustStore, FormatError> {
        let layout = StoreLayout::parse(&bytes)?;
        if !layout.is_sound(&bytes) {
            return Err(FormatError);
        }
        Ok(TrustStore::from_parts(vec![Part { bytes: Cow::Owned(bytes), layout }]))
    }

    /// This store with the roots of another one added.
    #[must_use]
    pub fn with(mut self, other: TrustStore) -> TrustStore {
        self.parts.extend(other.parts);
        TrustStore::from_parts(self.parts).with_disallowed(self.disallowed)
    }

    /// This store with these disallowed lists, instead of those it had.
    #[must_use]
    pub fn with_disallowed(mut self, disallowed: Disallowed) -> TrustStore {
        self.disallowed = disallowed;
        self
    }

    /// What is distrusted by name.
    #[must_use]
    pub fn disallowed(&self) -> &Disallowed {
        &self.disallowed
    }

    fn from_parts(parts: Vec<Part>) -> TrustStore {
        let join = |field: fn(&Provenance) -> &str| {
            let texts: Vec<&str> =
                parts.iter().map(|part| field(&part.layout.provenance)).filter(|text| !text.is_empty()).collect();
            texts.join(" + ")
        };
        let name = if parts.is_empty() { "empty".to_owned() } else { join(|p| &p.name) };
        TrustStore { name, date: join(|p| &p.date), parts, disallowed: Disallowed::default() }
    }

    /// Name of the store, as records state it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Date of the lists in the store, RFC 3339, empty when it has none.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Where each part of the store comes from.
    pub fn provenance(&self) -> impl Iterator<Item = &Provenance> {
        self.parts.iter().map(|part| &part.layout.provenance)
    }

    fn views(&self) -> impl Iterator<Item = StoreView<'_>> {
        self.parts.iter().map(|part| part.layout.view(&part.bytes))
    }

    /// The roots whose subject is this name, by meaning (RFC 5280 section 7.1).
    #[must_use]
    pub fn by_subject(&self, subject: &[u8]) -> Vec<Root<'_>> {
        self.by_name(subject, &normalised_name(subject))
    }

    /// [`TrustStore::by_subject`] for a name whose form by [`normalised_name`] is known.
    #[must_use]
    pub fn by_name(&self, subject: &[u8], normalised: &[u8]) -> Vec<Root<'_>> {
        let mut found: Vec<Root<'_>> = Vec::new();
        for root in self.views().flat_map(|view| view.by_name(subject, normalised)) {
            if !found.contains(&root) {
                found.push(root);
            }
        }
        found
    }

    /// The roots of all parts but the store that the program carries.
    pub(crate) fn roots_beside_embedded(&self) -> Vec<Root<'_>> {
        let others = self.parts.iter().filter(|part| *part.bytes != *EMBEDDED);
        others.flat_map(|part| part.layout.view(&part.bytes).roots()).collect()
    }

    /// All roots, part by part, in thumbprint order.
    #[must_use]
    pub fn roots(&self) -> Vec<Root<'_>> {
        self.views().flat_map(|view| view.roots()).collect()
    }
}
