//! A certificate in words, as records and tables state it.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Certificate, Name, serial_to_hex};
use crate::asn1::{Time, oid_to_string, oids};
use crate::crypto::{key_info, signature_name};
use crate::hex;

/// What there is to say of a certificate by itself. Making it costs as much as all other reading of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateText {
    /// The subject, most specific attribute first.
    pub subject: String,
    /// The issuer in the same form.
    pub issuer: String,
    /// The subject's first common name.
    pub common_name: Option<String>,
    /// The subject's first organisation.
    pub organization: Option<String>,
    /// Serial number, upper-case hexadecimal.
    pub serial: String,
    /// SHA-1 of the certificate, lower-case hexadecimal.
    pub thumbprint_sha1: String,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub thumbprint_sha256: String,
    /// First moment of validity, RFC 3339; `None` where it cannot be read.
    pub not_before: Option<String>,
    /// Last moment of validity, RFC 3339; `None` where it cannot be read.
    pub not_after: Option<String>,
    /// The key, as [`key_text`].
    pub key: String,
    /// The signature's algorithm.
    pub signature_algorithm: String,
    /// Extended key usages, as [`usage_text`]; `None` without the extension.
    pub usages: Option<Vec<String>>,
    /// Certificate policies, as [`usage_text`].
    pub policies: Vec<String>,
}

impl CertificateText {
    /// Puts a certificate into words.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>) -> CertificateText {
        let subject = Name::decode(certificate.subject);
        CertificateText {
            common_name: subject.get("CN").map(str::to_owned),
            organization: subject.get("O").map(str::to_owned),
            subject: subject.to_string(),
            issuer: Name::decode(certificate.issuer).to_string(),
            serial: serial_to_hex(certificate.serial),
            thumbprint_sha1: hex::lower(&Sha1::digest(certificate.raw)),
            thumbprint_sha256: hex::lower(&Sha256::digest(certificate.raw)),
            not_before: certificate.not_before.map(Time::to_rfc3339),
            not_after: certificate.not_after.map(Time::to_rfc3339),
            key: key_text(certificate.spki),
            signature_algorithm: signature_name(certificate.signature_algorithm.oid),
            usages: certificate.extended_key_usage().map(|list| list.iter().map(|oid| usage_text(oid)).collect()),
            policies: certificate.certificate_policies().unwrap_or_default().into_iter().map(usage_text).collect(),
        }
    }

    /// Octets of memory that it takes, its own size included.
    #[must_use]
    pub fn octets(&self) -> usize {
        let lists = self.usages.iter().flatten().chain(&self.policies);
        let listed = lists.map(|text| text.capacity().saturating_add(size_of::<String>()));
        let optional = [&self.common_name, &self.organization, &self.not_before, &self.not_after];
        let texts = [
            &self.subject,
            &self.issuer,
            &self.serial,
            &self.thumbprint_sha1,
            &self.thumbprint_sha256,
            &self.key,
            &self.signature_algorithm,
        ];
        let texts = texts.into_iter().chain(optional.into_iter().flatten()).map(String::capacity);
        texts.chain(listed).fold(size_of::<CertificateText>(), usize::saturating_add)
    }
}

/// `RSA 2048`, `EC P-256`, or what else the key in a SubjectPublicKeyInfo is.
#[must_use]
pub fn key_text(spki: &[u8]) -> String {
    let Some(key) = key_info(spki) else { return "unreadable".to_owned() };
    if key.explicit_curve {
        return "EC with explicit parameters".to_owned();
    }
    match (key.kind.as_ref(), key.curve) {
        ("rsa", _) => format!("RSA {}", key.bits),
        ("ec", Some(curve)) => format!("EC {curve}"),
        (kind, _) if key.bits > 0 => format!("{} {}", kind.to_uppercase(), key.bits),
        (kind, _) => kind.to_uppercase(),
    }
}

/// A usage or policy by name, or by number where it has none. A subscriber of Artifact Signing is named by its number:
/// the name in such certificates is Microsoft's to give, and the number stays the same.
#[must_use]
pub fn usage_text(oid: &[u8]) -> String {
    match oids::title(oid) {
        Some(title) => title.to_owned(),
        None if oid.starts_with(oids::ARTIFACT_SIGNING) => format!("Artifact Signing {}", oid_to_string(oid)),
        None => oid_to_string(oid),
    }
}
