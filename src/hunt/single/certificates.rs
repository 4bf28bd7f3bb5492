//! What certificates and timestamps give away.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{FileFacts, finding};
use crate::asn1::{Time, oids};
use crate::crypto::{DigestAlgorithm, key_info, signature_scheme};
use crate::hex::lower as hex;
use crate::hunt::catalogue::Publisher;
use crate::hunt::names::plain;
use crate::judge::{Reason, Status};
use crate::record::{Finding, Severity, Timestamp, TimestampFault};
use crate::verify::{CertificateSource, PathEnd, Work};
use crate::x509::{Certificate, Name, serial_to_hex, usage_text};

fn reasons<'f>(facts: &FileFacts<'f>) -> impl Iterator<Item = Reason> + use<'f> {
    std::iter::once(facts.record.reason).chain(facts.record.other_reasons.iter().copied())
}

pub(super) fn described(certificate: &Certificate<'_>) -> [(&'static str, serde_json::Value); 4] {
    [
        ("subject", json!(Name::decode(certificate.subject).to_string())),
        ("issuer", json!(Name::decode(certificate.issuer).to_string())),
        ("serial", json!(serial_to_hex(certificate.serial))),
        ("certificate_sha256", json!(hex(&Sha256::digest(certificate.raw)))),
    ]
}

/// Whether some path of the deciding signature's certificate leads to a trusted root.
pub(super) fn anchored(facts: &FileFacts<'_>) -> Option<bool> {
    let paths = &facts.deciding()?.0.content.as_ref()?.paths;
    Some(paths.list.iter().any(|path| matches!(path.end, PathEnd::Anchor { .. })))
}

/// S113: names another issuer, and verifies under its own key. Asked of signers that lead to no root.
pub(super) fn foreign_self_signature(facts: &FileFacts<'_>) -> Option<Finding> {
    let leaf = facts.leaf().filter(|leaf| !leaf.is_self_issued())?;
    if anchored(facts)? {
        return None;
    }
    let affordable = Work::default().verify(leaf.spki, &leaf.signature_algorithm, leaf.tbs);
    let own = || facts.memo.verify(leaf.spki, &leaf.signature_algorithm, leaf.tbs, leaf.signature);
    (affordable && own().is_good()).then(|| finding("S113", None, &described(leaf)))?
}

/// The certificate that LimeLighter and ScareCrow make of a web server's: nothing but common names, for servers and not
/// for code, 4,096 bits, alone in the signature, and under no root.
/// Source: LimeLighter, `cert.go` of commit d119dc7.
pub(super) fn made_by_limelighter(facts: &FileFacts<'_>) -> bool {
    let alone = facts.deciding().and_then(|(signature, _)| signature.content.as_ref()).is_some_and(|content| {
        let bag = content.pool.certificates.iter().filter(|known| known.source == CertificateSource::Signature);
        bag.count() == 1
    });
    let only_common_name =
        |name: &[u8]| matches!(Name::decode(name).attributes.as_slice(), [(kind, _)] if kind == "CN");
    let server = |leaf: &Certificate<'_>| {
        let usages = leaf.extended_key_usage().unwrap_or_default();
        usages.contains(&oids::EKU_SERVER_AUTH) && !usages.contains(&oids::EKU_CODE_SIGNING)
    };
    alone
        && anchored(facts) == Some(false)
        && facts.leaf().is_some_and(|leaf| {
            only_common_name(leaf.subject)
                && only_common_name(leaf.issuer)
                && server(leaf)
                && key_info(leaf.spki).is_some_and(|key| key.kind == "rsa" && key.bits == 4096)
        })
}

/// S114: signed itself with a name that belongs to somebody whose roots are trusted.
pub(super) fn publisher_by_own_account(facts: &FileFacts<'_>) -> Option<Finding> {
    if !facts.record.self_signed || !reasons(facts).any(|reason| reason == Reason::SelfSigned) {
        return None;
    }
    let (shown, known) = facts.name_with(|name| facts.known().matching(name))?;
    finding("S114", None, &[("name", json!(shown)), ("publisher", json!(known))])
}

/// S115: bears the name of a trusted root, and another key.
pub(super) fn known_authority_unknown_key(facts: &FileFacts<'_>) -> Option<Finding> {
    if anchored(facts)? {
        return None;
    }
    let content = facts.deciding()?.0.content.as_ref()?;
    content.paths.list.iter().find_map(|path| {
        let last = content.pool.certificate(*path.certificates.last()?)?;
        // The signer itself may be named like a root; S114 speaks of that.
        let above = path.certificates.len() > 1 && last.is_self_issued();
        if !above {
            return None;
        }
        let mut known = facts.known().keys_of(last.subject);
        known.extend(facts.trust.by_subject(last.subject).iter().map(|root| root.spki));
        if known.contains(&last.spki) {
            return None;
        }
        if !known.is_empty() {
            return finding("S115", None, &described(last));
        }
        // Not the very subject, but one that reads like it.
        let imitated = facts.known().authority_imitated(last)?;
        let mut evidence = described(last).to_vec();
        evidence.push(("imitates", json!(imitated)));
        finding("S115", Some(Severity::High), &evidence)
    })
}

/// S116: a certificate that was not made for signing code.
pub(super) fn not_for_code(facts: &FileFacts<'_>) -> Option<Finding> {
    let leaf = facts.leaf()?;
    let usages = leaf.extended_key_usage();
    let foreign = usages.as_ref().is_some_and(|list| {
        !list.iter().any(|oid| matches!(*oid, oids::EKU_CODE_SIGNING | oids::EKU_ANY | oids::EKU_LIFETIME_SIGNING))
    });
    let silent = leaf.key_usage().is_some_and(|usage| !usage.digital_signature);
    let authority = leaf.basic_constraints().is_some_and(|basic| basic.is_ok_and(|basic| basic.ca));
    let authority = authority && !leaf.is_self_issued();
    if !(foreign || silent || authority) {
        return None;
    }
    // Driver kits sign with a certificate of the developer's machine, and Microsoft signs what comes of it.
    let severity = vouched_for(facts).then_some(Severity::Low);
    let names = usages.map(|list| list.iter().map(|oid| usage_text(oid)).collect::<Vec<_>>());
    let evidence = [
        ("usages", json!(names)),
        ("digital_signature", json!(!silent)),
        ("certificate_authority", json!(authority)),
        ("signer", facts.signer()),
    ];
    finding("S116", severity, &evidence)
}

/// The publisher who signs the drivers of others.
const FOR_OTHERS: &str = "Microsoft";

/// Whether one of the file's signatures is Valid and of whoever signs for others.
fn vouched_for(facts: &FileFacts<'_>) -> bool {
    let valid = facts.record.signatures.iter().filter(|signature| signature.status == Status::Valid);
    let mut organisations = valid.filter_map(|signature| signature.signer.as_ref()?.organization.as_deref());
    organisations.any(|name| Publisher::of_organisation(&plain(name)).is_some_and(|known| known.name == FOR_OTHERS))
}

/// S118: a timestamp that proves nothing; the worst of several.
pub(super) fn broken_timestamp(facts: &FileFacts<'_>) -> Option<Finding> {
    let shown = facts.deciding()?.1;
    // Not to be able to verify is no sign of anything, unless nobody trusted is behind it.
    let open = |reason: &Reason| matches!(reason, Reason::UnsupportedAlgorithm | Reason::Limit);
    let unknown = |stamp: &Timestamp| match stamp.fault {
        Some(TimestampFault::UnsupportedAlgorithm) => stamp.chain_reasons.iter().all(open),
        fault => fault == Some(TimestampFault::Limit),
    };
    let other = shown.timestamps.iter().any(|stamp| stamp.verified);
    let broken = shown.timestamps.iter().filter(|stamp| !stamp.verified && !unknown(stamp));
    let told = broken.map(|stamp| {
        let name = stamp.authority.as_ref().map(|signer| &signer.subject);
        let rogue = name.is_some_and(|name| name.to_ascii_lowercase().contains("jemmylovejenny"));
        let forged = [TimestampFault::Imprint, TimestampFault::Signature, TimestampFault::BadAlgorithm];
        let forged = stamp.fault.is_some_and(|fault| forged.contains(&fault));
        let severity = if rogue || (forged && !other) { Severity::High } else { Severity::Medium };
        (severity, stamp)
    });
    let (severity, stamp) = told.reduce(|worst, next| if next.0 > worst.0 { next } else { worst })?;
    let evidence = [
        ("authority", json!(stamp.authority.as_ref().map(|signer| &signer.subject))),
        ("time", json!(stamp.time)),
        ("fault", json!(stamp.fault)),
        ("chain_reasons", json!(stamp.chain_reasons)),
    ];
    finding("S118", Some(severity), &evidence)
}

/// S120: the certificate is over and no timestamp says that the signature is older, or one says that it is younger.
pub(super) fn expired_without_timestamp(facts: &FileFacts<'_>) -> Option<Finding> {
    if !reasons(facts).any(|reason| matches!(reason, Reason::CertExpired | Reason::TimestampOutsideValidity)) {
        return None;
    }
    let end = facts.leaf()?.not_after.filter(|end| *end < facts.now)?;
    let shown = facts.deciding()?.1;
    let stamped = shown.timestamps.iter().filter(|stamp| stamp.verified).filter_map(|stamp| stamp.time.as_deref());
    let stamped = stamped.filter_map(Time::parse_rfc3339).min();
    if stamped.is_some_and(|stamped| stamped <= end) {
        return None;
    }
    let after = stamped.is_some() || facts.built().is_some_and(|built| built > end);
    let severity = if after { Severity::High } else { Severity::Medium };
    let evidence = [
        ("not_after", json!(end.to_rfc3339())),
        ("built", json!(facts.built().map(Time::to_rfc3339))),
        ("timestamped", json!(stamped.map(Time::to_rfc3339))),
        ("timestamps", json!(shown.timestamps.len())),
    ];
    finding("S120", Some(severity), &evidence)
}

/// 2014-01-01 and 2016-01-01: from when on CAs had to issue RSA keys of 2,048 bits and no SHA-1 certificates for code.
const SHORT_KEYS: Time = Time(1_388_534_400);
const SHA1_OVER: Time = Time(1_451_606_400);

/// S121: keys and hashes that are weaker than they had to be when the certificate was made.
pub(super) fn weak_cryptography(facts: &FileFacts<'_>) -> Option<Finding> {
    let leaf = facts.leaf()?;
    let issued = leaf.not_before?;
    let key = key_info(leaf.spki).filter(|key| key.kind == "rsa").map(|key| key.bits);
    let hash = signature_scheme(leaf.signature_algorithm.oid).and_then(|(_, hash)| hash);
    let mut weak = Vec::new();
    let tiny = key.is_some_and(|bits| bits < 1023);
    if tiny || (issued >= SHORT_KEYS && key.is_some_and(|bits| bits < 2048)) {
        weak.push("key");
    }
    let old = matches!(hash, Some(DigestAlgorithm::Md2 | DigestAlgorithm::Md4 | DigestAlgorithm::Md5));
    // Who signed itself has not been told by any CA; its own signature proves nothing either way.
    if !leaf.is_self_issued() && (old || (issued >= SHA1_OVER && hash == Some(DigestAlgorithm::Sha1))) {
        weak.push("certificate-hash");
    }
    let digest = facts.deciding()?.1.digest_algorithm.clone();
    if digest.as_deref() == Some("md5") {
        weak.push("file-digest");
    }
    if weak.is_empty() {
        return None;
    }
    let severity = if tiny { Severity::High } else { Severity::Low };
    let evidence = [
        ("weak", json!(weak)),
        ("rsa_bits", json!(key)),
        ("certificate_hash", json!(hash.map(DigestAlgorithm::name))),
        ("file_digest", json!(digest)),
    ];
    finding("S121", Some(severity), &evidence)
}

/// S124: revoked, or on the disallowed list.
pub(super) fn withdrawn(facts: &FileFacts<'_>) -> Option<Finding> {
    let reason = reasons(facts).find(|reason| matches!(reason, Reason::CertRevoked | Reason::ExplicitDistrust))?;
    if facts.record.status == Status::Valid {
        return None;
    }
    let chain = &facts.deciding()?.1.chain;
    let certificate = chain.iter().find(|certificate| certificate.problems.contains(&reason));
    let told = certificate.and_then(|certificate| certificate.revocation.as_ref());
    let listed = certificate.and_then(|certificate| certificate.disallowed.as_ref()).map(|entry| &entry.list);
    let evidence = [
        ("why", json!(reason)),
        ("certificate", json!(certificate.map(|certificate| &certificate.subject))),
        ("source", json!(told.and_then(|told| told.source.as_ref()).or(listed))),
        ("revoked_at", json!(told.and_then(|told| told.revoked_at.as_ref()))),
    ];
    finding("S124", None, &evidence)
}
