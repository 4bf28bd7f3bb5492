//! Text out of a file as a record shows it: whole, unless it is longer than any real name.

use std::collections::BTreeMap;

use super::{Anomaly, ChainCertificate, ErrorDetail, Finding, Keys, Record, Signature, Signer};

/// Longest text out of a signature that a record shows, in octets. Real names have a few hundred; what a file puts there
/// instead would stand in its record a dozen times, and six times as long where it needs escapes.
const MAX_SHOWN: usize = 4 << 10;
/// What a text ends with that was cut.
const MARK: char = '…';

/// The text, or the beginning of one that is too long.
pub(crate) fn shown(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}

/// Whether a text is only the beginning of one. It is nobody's name.
pub(crate) fn is_cut(text: &str) -> bool {
    text.len() >= MAX_SHOWN && text.ends_with(MARK)
}

fn signer_texts(signer: &Signer) -> impl Iterator<Item = &String> {
    let names = signer.common_name.iter().chain(&signer.organization);
    names.chain([&signer.subject, &signer.issuer, &signer.serial])
}

fn chain_texts(certificate: &ChainCertificate) -> impl Iterator<Item = &String> {
    let lists = certificate.usages.iter().flatten().chain(&certificate.policies);
    let texts = [&certificate.subject, &certificate.issuer, &certificate.serial, &certificate.key];
    texts.into_iter().chain(&certificate.signature_algorithm).chain(lists)
}

fn signature_texts(signature: &Signature) -> impl Iterator<Item = &String> {
    let signers = signature.signer.iter().chain(&signature.claimed_signer);
    let authorities = signature.timestamps.iter().filter_map(|stamp| stamp.authority.as_ref());
    let chains = signature.timestamps.iter().flat_map(|stamp| &stamp.chain).chain(&signature.chain);
    let said = signature.program_name.iter().chain(&signature.more_info).chain(&signature.statement_type);
    let numbers = signature.unauthenticated_attributes.iter().map(|attribute| &attribute.oid);
    signers.chain(authorities).flat_map(signer_texts).chain(chains.flat_map(chain_texts)).chain(said).chain(numbers)
}

/// That names were cut, if any was.
fn note_cut<'t>(mut texts: impl Iterator<Item = &'t String>) -> Option<Anomaly> {
    let message = "names and other texts of the signature that have more than 4 KiB are shown up to there";
    texts.any(|text| is_cut(text)).then(|| Anomaly::new("name-cut", message))
}

/// The same for a report on one certificate.
pub(super) fn note_cut_certificate<'r>(signer: Option<&'r Signer>, chain: &'r [ChainCertificate]) -> Option<Anomaly> {
    note_cut(signer.into_iter().flat_map(signer_texts).chain(chain.iter().flat_map(chain_texts)))
}

impl Record {
    /// Notes that texts of signatures were cut, if any was.
    pub(super) fn note_cut(&mut self) {
        self.anomalies.extend(note_cut(self.signatures.iter().flat_map(signature_texts)));
    }

    /// What fits whatever the file holds: its place, its status and the digests by which it can be found, and the codes
    /// of its findings.
    #[must_use]
    pub fn least(&self) -> Record {
        let message = "the whole record was too large to be sent: signatures, signer and evidence are left out";
        let told = |finding: &Finding| Finding {
            code: finding.code.clone(),
            title: finding.title.clone(),
            severity: finding.severity,
            confidence: finding.confidence,
            attack: finding.attack.clone(),
            evidence: BTreeMap::new(),
            related: Vec::new(),
        };
        let failed = self.error.as_ref();
        Record {
            schema: self.schema.clone(),
            path: self.path.clone(),
            path_hex: self.path_hex.clone(),
            host: self.host.clone(),
            size: self.size,
            format: self.format,
            status: self.status,
            reason: self.reason,
            hresult: self.hresult.clone(),
            other_reasons: self.other_reasons.clone(),
            self_signed: self.self_signed,
            ev_code_signing: self.ev_code_signing,
            signer: None,
            claimed_signer: None,
            timestamp: None,
            signatures: Vec::new(),
            authentihash: self.authentihash.clone(),
            hashes: self.hashes.clone(),
            revocation: self.revocation,
            catalog: self.catalog.clone(),
            catalog_signature: None,
            kernel: None,
            version_info: None,
            findings: self.findings.iter().map(told).collect(),
            keys: Keys {
                // Whoever signs can write a digest of any length.
                signed_digest: self.keys.signed_digest.clone().filter(|digest| digest.len() <= 128),
                ..self.keys.clone()
            },
            anomalies: vec![Anomaly::new("record-too-large", message)],
            judged_at: self.judged_at.clone(),
            policy: self.policy,
            trust_store: self.trust_store.clone(),
            error: failed.map(|error| ErrorDetail { kind: error.kind, message: shown(&error.message) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut_and_never_within_a_character() {
        assert_eq!(shown(&"x".repeat(4096)), "x".repeat(4096));
        assert_eq!(shown(&"x".repeat(4097)), "x".repeat(4096) + "…");
        assert_eq!(shown(&("x".repeat(4095) + "ä")), "x".repeat(4095) + "…");
        assert_eq!(shown(&"😀".repeat(2000)), "😀".repeat(1024) + "…");
        assert!(is_cut(&shown(&"😀".repeat(2000))) && is_cut(&shown(&("x".repeat(4095) + "ä"))));
        assert!(!is_cut("…") && !is_cut(&"x".repeat(4096)));
    }
}
