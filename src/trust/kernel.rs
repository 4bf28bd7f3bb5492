//! What the kernel of Windows believes: other roots than WinVerifyTrust does.

use crate::asn1::Time;
use crate::x509::{Certificate, same_name};

/// The roots that count for drivers.
///
/// Source: Microsoft "Driver Signing Policy" (windows-driver-docs, kernel-mode-code-signing-policy), and `semantics.md`
/// section 5.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRoots {
    microsoft: Vec<[u8; 20]>,
    cross: Vec<CrossRoot>,
}

/// A root that vouches for other authorities' roots, by name and key. It is no member of any trust store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossRoot {
    name: CrossName,
    spki: Vec<u8>,
    not_before: Option<Time>,
    not_after: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum CrossName {
    /// The common name, of Microsoft's own.
    Common(&'static str),
    /// The whole Name element.
    Whole(Vec<u8>),
}

/// SHA-1 of Microsoft Root Authority, Microsoft Root Certificate Authority, and Microsoft Root Certificate Authority
/// 2010, which the document names for Windows 10 version 1607 and later.
const MICROSOFT: [[u8; 20]; 3] = [
    *b"\xa4\x34\x89\x15\x9a\x52\x0f\x0d\x93\xd0\x32\xcc\xaf\x37\xe7\xfe\x20\xa8\xb4\x19",
    *b"\xcd\xd4\xee\xae\x60\x00\xac\x7f\x40\xc3\x80\x2c\x17\x1e\x30\x14\x80\x30\xc0\x72",
    *b"\x3b\x1e\xfd\x3a\x66\xea\x28\xb1\x66\x97\x39\x47\x03\xa7\x2c\xa3\x40\xa0\x5b\xd5",
];

/// The key of Microsoft Code Verification Root; `data/README.md` says where it is from.
static CODE_VERIFICATION_ROOT: &[u8] = include_bytes!("../../data/code-verification-root.spki");

impl Default for KernelRoots {
    fn default() -> Self {
        KernelRoots::microsoft()
    }
}

impl KernelRoots {
    /// Microsoft's.
    #[must_use]
    pub fn microsoft() -> KernelRoots {
        let cross = CrossRoot {
            name: CrossName::Common("Microsoft Code Verification Root"),
            spki: CODE_VERIFICATION_ROOT.to_vec(),
            not_before: Some(Time(1_130_852_806)), // 2005-11-01T13:46:46Z
            not_after: Some(Time(1_762_005_243)),  // 2025-11-01T13:54:03Z
        };
        KernelRoots { microsoft: MICROSOFT.to_vec(), cross: vec![cross] }
    }

    /// Others, for tests and laboratories: SHA-1 of the roots that stand for Microsoft's, and the certificates (DER) of
    /// those that stand for Microsoft Code Verification Root. Certificates that cannot be read are left out.
    #[must_use]
    pub fn new(microsoft: Vec<[u8; 20]>, cross: &[Vec<u8>]) -> KernelRoots {
        let known = cross.iter().filter_map(|raw| Certificate::parse(raw).ok());
        let cross = known.map(|certificate| CrossRoot {
            name: CrossName::Whole(certificate.subject.to_vec()),
            spki: certificate.spki.to_vec(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        });
        KernelRoots { microsoft, cross: cross.collect() }
    }

    /// Whether this is one of Microsoft's roots, by the SHA-1 of its certificate.
    #[must_use]
    pub fn is_microsoft(&self, thumbprint_sha1: &[u8]) -> bool {
        self.microsoft.iter().any(|known| known == thumbprint_sha1)
    }

    /// The roots that vouch for others.
    #[must_use]
    pub fn cross(&self) -> &[CrossRoot] {
        &self.cross
    }
}

impl CrossRoot {
    /// Whether a Name element is this root's.
    #[must_use]
    pub fn is_named(&self, name: &[u8]) -> bool {
        match &self.name {
            CrossName::Common(text) => crate::x509::Name::decode(name).get("CN") == Some(*text),
            CrossName::Whole(own) => same_name(own, name),
        }
    }

    /// Its SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether a moment lies within its validity.
    #[must_use]
    pub fn valid_at(&self, moment: Time) -> bool {
        matches!((self.not_before, self.not_after), (Some(from), Some(to)) if from <= moment && moment <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::TrustStore;
    use crate::x509::Name;

    #[test]
    fn the_roots_are_those_that_the_document_names() {
        let (store, kernel) = (TrustStore::embedded(), KernelRoots::microsoft());
        let mut names: Vec<String> = store
            .roots()
            .into_iter()
            .filter(|root| kernel.is_microsoft(root.thumbprint_sha1))
            .map(|root| Name::decode(root.subject).get("CN").unwrap_or_default().to_owned())
            .collect();
        names.sort();
        let wanted = [
            "Microsoft Root Authority",
            "Microsoft Root Certificate Authority",
            "Microsoft Root Certificate Authority 2010",
        ];
        assert_eq!(names, wanted);
        assert_eq!(Time::parse_rfc3339("2005-11-01T13:46:46Z"), kernel.cross[0].not_before);
        assert_eq!(Time::parse_rfc3339("2025-11-01T13:54:03Z"), kernel.cross[0].not_after);
        assert_eq!(crate::crypto::key_info(kernel.cross[0].spki()).map(|key| key.bits), Some(4096));
    }
}
