//! A root's facts as they leave: JSON lines, CSV, and what two stores are compared by.

use serde::Serialize;

use crate::asn1::Time;
use crate::hex::lower as hex;
use crate::trust::{Limit, LimitDate, OidList, Root, TrustStore};
use crate::x509::{Name, key_text, serial_to_hex, usage_text};

/// Everything that a store says of one root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Facts {
    pub subject: String,
    pub friendly_name: Option<String>,
    pub thumbprint_sha1: String,
    pub thumbprint_sha256: String,
    pub serial: String,
    pub key: String,
    pub key_identifier: Option<String>,
    /// Hash of what the root signed of itself, as disallowed lists name certificates.
    pub signature_hash: Option<String>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// Built into Windows, and exempt from everything below.
    pub built_in: bool,
    /// Member of the root programme.
    pub program: bool,
    /// Null is every usage.
    pub usages: Option<Vec<String>>,
    /// Certificates issued from then on are not trusted.
    pub not_before: Option<Dated>,
    /// Signatures made from then on are not trusted.
    pub disabled: Option<Dated>,
    /// The NameConstraints value, hexadecimal.
    pub name_constraints: Option<String>,
    /// The Name element, hexadecimal.
    pub subject_der: String,
    /// The SubjectPublicKeyInfo element, hexadecimal.
    pub spki: String,
}

/// A dated limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Dated {
    /// A moment, `ever`, or `cleared` where Microsoft took it back.
    pub from: String,
    /// Null is every usage.
    pub usages: Option<Vec<String>>,
}

fn usages(list: Option<OidList<'_>>) -> Option<Vec<String>> {
    list.map(|list| list.iter().map(usage_text).collect())
}

fn dated(limit: &Limit<'_>) -> Option<Dated> {
    let from = match limit.date {
        LimitDate::At(date) => date.to_rfc3339(),
        LimitDate::Cleared => "cleared".to_owned(),
        LimitDate::Absent if limit.usages.is_some() => "ever".to_owned(),
        LimitDate::Absent => return None,
    };
    Some(Dated { from, usages: usages(limit.usages) })
}

impl Facts {
    /// The facts of a root.
    pub(super) fn of(root: &Root<'_>) -> Facts {
        Facts {
            subject: Name::decode(root.subject).to_string(),
            friendly_name: root.friendly_name.map(str::to_owned),
            thumbprint_sha1: hex(root.thumbprint_sha1),
            thumbprint_sha256: hex(root.thumbprint_sha256),
            serial: serial_to_hex(root.serial),
            key: key_text(root.spki),
            key_identifier: root.key_identifier.map(hex),
            signature_hash: root.signature_hash.map(hex),
            valid_from: root.not_before.map(Time::to_rfc3339),
            valid_to: root.not_after.map(Time::to_rfc3339),
            built_in: root.built_in,
            program: root.program,
            usages: usages(root.usages),
            not_before: dated(&root.not_before_limit),
            disabled: dated(&root.disabled),
            name_constraints: root.name_constraints.map(hex),
            subject_der: hex(root.subject),
            spki: hex(root.spki),
        }
    }

    /// Field by field, each as text; what is absent is `-`.
    pub(super) fn fields(&self) -> [(&'static str, String); 18] {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        [
            ("subject", self.subject.clone()),
            ("friendly_name", or(&self.friendly_name)),
            ("thumbprint_sha1", self.thumbprint_sha1.clone()),
            ("thumbprint_sha256", self.thumbprint_sha256.clone()),
            ("serial", self.serial.clone()),
            ("key", self.key.clone()),
            ("key_identifier", or(&self.key_identifier)),
            ("signature_hash", or(&self.signature_hash)),
            ("valid_from", or(&self.valid_from)),
            ("valid_to", or(&self.valid_to)),
            ("built_in", self.built_in.to_string()),
            ("program", self.program.to_string()),
            ("usages", list_text(self.usages.as_deref())),
            ("not_before", dated_text(self.not_before.as_ref())),
            ("disabled", dated_text(self.disabled.as_ref())),
            ("name_constraints", or(&self.name_constraints)),
            ("subject_der", self.subject_der.clone()),
            ("spki", self.spki.clone()),
        ]
    }
}

/// Usages in words.
pub(super) fn list_text(list: Option<&[String]>) -> String {
    match list {
        None => "all".to_owned(),
        Some([]) => "none".to_owned(),
        Some(list) => list.join(", "),
    }
}

fn dated_text(limit: Option<&Dated>) -> String {
    limit.map_or_else(|| "-".to_owned(), |limit| format!("{}: {}", limit.from, list_text(limit.usages.as_deref())))
}

/// The roots of a store, by subject and thumbprint.
pub(super) fn sorted(store: &TrustStore) -> Vec<(String, Root<'_>)> {
    let mut roots: Vec<(String, Root<'_>)> =
        store.roots().into_iter().map(|root| (Name::decode(root.subject).to_string(), root)).collect();
    roots.sort_by(|left, right| (&left.0, left.1.thumbprint_sha256).cmp(&(&right.0, right.1.thumbprint_sha256)));
    roots
}
