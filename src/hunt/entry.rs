//! What correlation keeps of a file: its path, its status and the values by which files can be compared.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Publishers;
use super::leads::LeadsTo;
use crate::hex::lower as hex;
use crate::judge::{Reason, Status};
use crate::record::{Keys, Record, Severity};

/// The value of [`KeysLine::schema`].
pub const KEYS_SCHEMA: &str = "sigscan.keys/1";

/// A record reduced to what correlation needs, as `sigscan correlate` passes it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysLine {
    /// `sigscan.keys/1`.
    pub schema: String,
    /// The path as in the record.
    pub path: String,
    /// The path's bytes in hexadecimal, when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// The machine that the file is from, where it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The status.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// Where the chain of the signer's certificate leads, if all reasons together say it and the deciding one does not. A
    /// file that is `Revoked` and of which this is not known proves nothing about others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<LeadsTo>,
    /// The signer's certificate verifies under its own key and names itself as issuer.
    pub self_signed: bool,
    /// Data lies behind a signature that is no known vendor's tag (S106).
    #[serde(default)]
    pub hides_data: bool,
    /// The company of the version resource reads as the signer's name.
    #[serde(default)]
    pub names_signer: bool,
    /// The publisher of the catalogue that the company of the version resource names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The signer's common name or, failing that, its subject: verified or only claimed.
    pub signer: Option<String>,
    /// SHA-256 of the file, where it was computed.
    pub sha256: Option<String>,
    /// Authenticode digests by algorithm.
    pub authentihash: BTreeMap<String, String>,
    /// The record's correlation keys.
    pub keys: Keys,
}

/// The JSON Schema of [`KeysLine`], draft 2020-12.
#[must_use]
pub fn entry_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<KeysLine>().to_value()
}

/// A SHA-256, in place: most signed files have most of them.
pub(super) type Key = Option<[u8; 32]>;

/// What is kept of a signer's certificate. A publisher's files share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Leaf {
    pub(super) tbs: Key,
    pub(super) spki: Key,
    pub(super) issuer_serial: Key,
    pub(super) subject: Key,
}

/// An algorithm's name and a digest under it.
pub(super) type NamedDigest = (Arc<str>, Box<[u8]>);

/// A file in the memory of a correlation: the same facts as a [`KeysLine`], in about 400 octets beside its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) path: Box<str>,
    pub(super) path_hex: Option<Box<str>>,
    pub(super) host: Option<Arc<str>>,
    pub(super) status: Status,
    pub(super) reason: Reason,
    pub(super) leads_to: Option<LeadsTo>,
    pub(super) self_signed: bool,
    pub(super) hides_data: bool,
    pub(super) names_signer: bool,
    pub(super) publisher: Option<Arc<str>>,
    pub(super) signer: Option<Arc<str>>,
    pub(super) sha256: Key,
    pub(super) authentihash: Box<[NamedDigest]>,
    /// Under the signature's own algorithm, so of any length.
    pub(super) signed_digest: Option<Box<[u8]>>,
    pub(super) pkcs7: Key,
    pub(super) signer_info: Key,
    pub(super) token: Key,
    /// Few signatures have more than one timestamp.
    pub(super) other_tokens: Box<[[u8; 32]]>,
    pub(super) version: Key,
    /// Few files have these two.
    pub(super) first_page: Option<Box<[u8; 32]>>,
    pub(super) signed_first_page: Option<Box<[u8; 32]>>,
    pub(super) leaf: Arc<Leaf>,
}

/// What many entries share: names and certificates.
#[derive(Debug, Default)]
pub(super) struct Shared {
    texts: HashSet<Arc<str>>,
    leaves: HashSet<Arc<Leaf>>,
}

impl Shared {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn leaf(&mut self, leaf: Leaf) -> Arc<Leaf> {
        if let Some(known) = self.leaves.get(&leaf) {
            return Arc::clone(known);
        }
        let new = Arc::new(leaf);
        self.leaves.insert(Arc::clone(&new));
        new
    }
}

/// Whether a finding of one file says that data is hidden there: known vendors' tags are S106, too, and only info.
#[must_use]
pub fn hides_data(code: &str, severity: Severity) -> bool {
    code == "S106" && severity > Severity::Info
}

#[cfg(test)]
impl KeysLine {
    /// A line that says no more than this.
    pub(super) fn bare(path: &str, status: Status, reason: Reason) -> KeysLine {
        KeysLine {
            schema: KEYS_SCHEMA.to_owned(),
            path: path.to_owned(),
            path_hex: None,
            host: None,
            status,
            reason,
            leads_to: None,
            self_signed: false,
            hides_data: false,
            names_signer: false,
            publisher: None,
            signer: None,
            sha256: None,
            authentihash: BTreeMap::new(),
            keys: Keys::default(),
        }
    }
}

impl KeysLine {
    /// What correlation needs of a record.
    #[must_use]
    pub fn of(record: &Record, publishers: &Publishers) -> KeysLine {
        let signer = record.signer.as_ref().or(record.claimed_signer.as_ref());
        let company = record.version_info.as_ref().and_then(|version| version.company.as_deref());
        let names = signer.map(|signer| [signer.organization.as_deref(), signer.common_name.as_deref()]);
        KeysLine {
            schema: KEYS_SCHEMA.to_owned(),
            path: record.path.clone(),
            path_hex: record.path_hex.clone(),
            host: record.host.clone(),
            status: record.status,
            reason: record.reason,
            leads_to: KeysLine::told_by(record.status, record.reason, &record.other_reasons),
            self_signed: record.self_signed,
            hides_data: record.findings.iter().any(|finding| hides_data(&finding.code, finding.severity)),
            names_signer: company.zip(names).is_some_and(|(company, names)| publishers.same(company, &names)),
            publisher: company.and_then(|company| publishers.named(company)).map(str::to_owned),
            signer: signer.map(|signer| signer.common_name.clone().unwrap_or_else(|| signer.subject.clone())),
            sha256: record.hashes.get("sha256").cloned(),
            authentihash: record.authentihash.clone(),
            keys: record.keys.clone(),
        }
    }

    /// What [`KeysLine::leads_to`] says of a file with these reasons.
    #[must_use]
    pub fn told_by(status: Status, reason: Reason, others: &[Reason]) -> Option<LeadsTo> {
        let all = LeadsTo::of(status, std::iter::once(reason).chain(others.iter().copied()));
        all.filter(|_| all != LeadsTo::by(status, reason))
    }
}

impl Entry {
    /// Keeps a line. Values that are no hexadecimal text are dropped: nothing can be compared with them.
    pub(super) fn new(line: &KeysLine, shared: &mut Shared) -> Entry {
        let digests = line.authentihash.iter().filter_map(|(name, value)| Some((shared.text(name), octets(value)?)));
        let keys = &line.keys;
        let leaf = Leaf {
            tbs: key(&keys.leaf_tbs_sha256),
            spki: key(&keys.leaf_spki_sha256),
            issuer_serial: key(&keys.issuer_serial_key),
            subject: key(&keys.subject_key),
        };
        let authentihash = digests.collect();
        Entry {
            path: line.path.as_str().into(),
            path_hex: line.path_hex.as_deref().map(Box::from),
            host: line.host.as_deref().map(|name| shared.text(name)),
            status: line.status,
            reason: line.reason,
            leads_to: line.leads_to.or_else(|| LeadsTo::by(line.status, line.reason)),
            self_signed: line.self_signed,
            hides_data: line.hides_data,
            names_signer: line.names_signer,
            publisher: line.publisher.as_deref().map(|name| shared.text(name)),
            authentihash,
            signer: line.signer.as_deref().map(|name| shared.text(name)),
            sha256: key(&line.sha256),
            signed_digest: keys.signed_digest.as_deref().and_then(octets),
            pkcs7: key(&keys.pkcs7_sha256),
            signer_info: key(&keys.signer_info_sha256),
            token: key(&keys.timestamp_token_sha256),
            other_tokens: keys.other_timestamps_sha256.iter().filter_map(|text| key(&Some(text.clone()))).collect(),
            version: key(&keys.version_res_sha256),
            first_page: key(&keys.first_page_sha256).map(Box::new),
            signed_first_page: key(&keys.signed_first_page_sha256).map(Box::new),
            leaf: shared.leaf(leaf),
        }
    }

    /// The line that this entry was made of.
    #[must_use]
    pub fn line(&self) -> KeysLine {
        let text = |key: &Key| key.as_ref().map(|octets| hex(octets));
        KeysLine {
            schema: KEYS_SCHEMA.to_owned(),
            path: self.path.to_string(),
            path_hex: self.path_hex.as_deref().map(str::to_owned),
            host: self.host.as_deref().map(str::to_owned),
            status: self.status,
            reason: self.reason,
            leads_to: self.leads_to.filter(|_| self.leads_to != LeadsTo::by(self.status, self.reason)),
            self_signed: self.self_signed,
            hides_data: self.hides_data,
            names_signer: self.names_signer,
            publisher: self.publisher.as_deref().map(str::to_owned),
            signer: self.signer.as_deref().map(str::to_owned),
            sha256: text(&self.sha256),
            authentihash: self.authentihash.iter().map(|(name, value)| (name.to_string(), hex(value))).collect(),
            keys: Keys {
                signed_digest: self.signed_digest.as_deref().map(hex),
                pkcs7_sha256: text(&self.pkcs7),
                signer_info_sha256: text(&self.signer_info),
                timestamp_token_sha256: text(&self.token),
                other_timestamps_sha256: self.other_tokens.iter().map(|token| hex(token)).collect(),
                leaf_tbs_sha256: text(&self.leaf.tbs),
                leaf_spki_sha256: text(&self.leaf.spki),
                issuer_serial_key: text(&self.leaf.issuer_serial),
                subject_key: text(&self.leaf.subject),
                version_res_sha256: text(&self.version),
                first_page_sha256: self.first_page.as_deref().map(|digest| hex(digest)),
                signed_first_page_sha256: self.signed_first_page.as_deref().map(|digest| hex(digest)),
            },
        }
    }

    /// The digest of this file's content under the algorithm of the digest that was signed; the two are compared by
    /// length, which tells the algorithms in use apart (MD5, SHA-1, SHA-256, SHA-384, SHA-512).
    pub(super) fn content(&self) -> Option<&[u8]> {
        let signed = self.signed_digest.as_deref()?;
        self.authentihash.iter().map(|(_, value)| &**value).find(|value| value.len() == signed.len())
    }

    /// The PKCS#7, by its SHA-256.
    pub(super) fn pkcs7(&self) -> Option<&[u8]> {
        self.pkcs7.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The signature octets, by their SHA-256.
    pub(super) fn signer_info(&self) -> Option<&[u8]> {
        self.signer_info.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The timestamps, by their SHA-256.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        self.token.iter().chain(&self.other_tokens).map(<[u8; 32]>::as_slice)
    }

    /// The file, by its SHA-256.
    pub(super) fn sha256(&self) -> Option<&[u8]> {
        self.sha256.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The signer's TBSCertificate, by its SHA-256.
    pub(super) fn tbs(&self) -> Option<&[u8]> {
        self.leaf.tbs.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The signer's public key, by its SHA-256.
    pub(super) fn spki(&self) -> Option<&[u8]> {
        self.leaf.spki.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The certificate's issuer and serial number, by their SHA-256.
    pub(super) fn issuer_serial(&self) -> Option<&[u8]> {
        self.leaf.issuer_serial.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The version resource, by its SHA-256.
    pub(super) fn version(&self) -> Option<&[u8]> {
        self.version.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// The first page, by its SHA-256.
    pub(super) fn first_page(&self) -> Option<&[u8]> {
        self.first_page.as_ref().map(|digest| digest.as_slice())
    }

    /// The first page of the file that was signed, by its SHA-256.
    pub(super) fn signed_first_page(&self) -> Option<&[u8]> {
        self.signed_first_page.as_ref().map(|digest| digest.as_slice())
    }

    /// The signer's name, by its SHA-256.
    pub(super) fn subject(&self) -> Option<&[u8]> {
        self.leaf.subject.as_ref().map(<[u8; 32]>::as_slice)
    }

    /// Whether the content is the one that was signed.
    pub(super) fn is_genuine(&self) -> bool {
        self.signed_digest.is_some() && self.signed_digest.as_deref() == self.content()
    }

    /// The order of entries, and of everything that names them: by path, then by everything else, so that it does not
    /// depend on the order in which they came.
    pub(super) fn order(&self, other: &Entry) -> Ordering {
        self.path.cmp(&other.path).then_with(|| self.rest().cmp(&other.rest()))
    }

    /// Everything but the path, to be compared member by member: many records may be of one path.
    fn rest(&self) -> impl Ord + '_ {
        // Files whose machine is not known come last.
        let place = (&self.path_hex, self.host.is_none(), &self.host, self.status.name(), self.reason, self.leads_to);
        let flags = (self.self_signed, self.hides_data, self.names_signer);
        let names = (&self.publisher, &self.signer);
        let content = (&self.sha256, &self.authentihash, &self.signed_digest);
        let signature = (&self.pkcs7, &self.signer_info, &self.token, &self.leaf);
        (place, flags, names, content, signature, (&self.version, &self.first_page, &self.signed_first_page))
    }
}

fn key(text: &Option<String>) -> Key {
    octets(text.as_deref()?)?.as_ref().try_into().ok()
}

/// Digests have at most 64 octets; anything longer is no digest.
pub(super) fn octets(text: &str) -> Option<Box<[u8]>> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() > 128 || digits.len() & 1 != 0 {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some((value(*pair.first()?)? << 4) | value(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_survives_being_kept() {
        let line = KeysLine {
            schema: KEYS_SCHEMA.to_owned(),
            path: "a".to_owned(),
            path_hex: Some("61ff".to_owned()),
            host: Some("WS01".to_owned()),
            status: Status::Invalid,
            reason: Reason::BadDigest,
            leads_to: Some(LeadsTo::UntrustedRoot),
            self_signed: true,
            hides_data: true,
            names_signer: true,
            publisher: Some("IBM".to_owned()),
            signer: Some("Somebody".to_owned()),
            sha256: Some("00".repeat(32)),
            authentihash: BTreeMap::from([("sha1".to_owned(), "ab".repeat(20))]),
            keys: Keys {
                signed_digest: Some("cd".repeat(20)),
                first_page_sha256: Some("ef".repeat(32)),
                signed_first_page_sha256: Some("01".repeat(32)),
                ..Keys::default()
            },
        };
        let entry = Entry::new(&line, &mut Shared::default());
        assert_eq!(entry.line(), line);
        assert_eq!(entry.content(), Some(&[0xab; 20][..]));
        assert!(!entry.is_genuine());
    }

    #[test]
    fn many_files_of_one_path_are_ordered_by_what_is_known_of_them() {
        let host = |name: Option<&str>, digest: &str| KeysLine {
            host: name.map(str::to_owned),
            sha256: Some(digest.repeat(32)),
            ..KeysLine::bare("a", Status::Unsigned, Reason::NoSignature)
        };
        let lines = [host(Some("\u{1}"), "02"), host(Some("!"), "00"), host(Some("!"), "01"), host(None, "00")];
        let mut shared = Shared::default();
        let mut entries: Vec<Entry> = lines.iter().rev().map(|line| Entry::new(line, &mut shared)).collect();
        entries.sort_by(Entry::order);
        assert_eq!(entries.iter().map(Entry::line).collect::<Vec<_>>(), lines);
    }

    #[test]
    fn only_digests_are_kept() {
        assert_eq!(octets("0aF0").as_deref(), Some(&[0x0a, 0xf0][..]));
        for text in ["", "0", "0g", "é0", &"00".repeat(65)] {
            assert_eq!(octets(text), None, "{text}");
        }
    }
}
