//! What a timestamp proves: that a time authority saw this very signature at a stated time.

use super::Lists;
use super::paths::{Budget, Paths, search};
use super::pool::{CertificateSource, Pool};
use super::revocation::{self, BagLists};
use super::signature::{
    content_octets, content_type_attribute, gather, message_digest_attribute, signer_facts, verify,
};
use super::work::Work;
use crate::asn1::{Element, Time, decode_time, oids};
use crate::cms::timestamp::{TstInfo, is_tst_info, token};
use crate::cms::{SignedData, SignerInfo, SigningCertificate};
use crate::crypto::{DigestAlgorithm, Verification, digest, verify_raw_hash_rsa};

/// The two kinds of Authenticode timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampKind {
    /// RFC 3161 token in 1.3.6.1.4.1.311.3.3.1.
    Rfc3161,
    /// PKCS#9 counterSignature in 1.2.840.113549.1.9.6.
    Pkcs9,
}

/// Why a timestamp proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFault {
    /// The structure cannot be read.
    Malformed,
    /// The imprint is not of this signature.
    Imprint,
    /// The authority's signature or attributes do not hold, or bind another certificate than the authority's.
    Signature,
    /// The authority's certificate is in no bag, or the file's budget of work did not allow to go on.
    NoCertificate,
    /// No time can be read.
    NoTime,
    /// The algorithm cannot be computed here.
    Unsupported(&'static str),
}

/// The facts of one timestamp.
#[derive(Debug)]
pub struct TimestampFacts<'a> {
    /// Which kind.
    pub kind: TimestampKind,
    /// The attribute value as it stands.
    pub raw: &'a [u8],
    /// The stated time.
    pub time: Option<Time>,
    /// Digest algorithm of the imprint.
    pub imprint_algorithm: Option<DigestAlgorithm>,
    /// `None` when imprint and signature hold.
    pub fault: Option<TimestampFault>,
    /// RSA over the bare hash instead of a DigestInfo (old VeriSign and Symantec authorities).
    pub raw_hash: bool,
    /// The authority's whole response was stored instead of its token.
    pub whole_response: bool,
    /// The certificates that may take part.
    pub pool: Pool<'a>,
    /// The authority's certificate.
    pub certificate: Option<usize>,
    /// Its paths.
    pub paths: Paths<'a>,
}

/// Timestamps beyond this many on one signature are not looked at.
const MAX_TIMESTAMPS: usize = 16;

/// The timestamps of a signature, in file order.
pub(super) fn timestamps<'a>(
    signer: &SignerInfo<'a>,
    outer: &SignedData<'a>,
    crls: &BagLists<'a>,
    lists: Lists<'a>,
) -> Vec<TimestampFacts<'a>> {
    let mut found = Vec::new();
    let Some(attributes) = &signer.unsigned_attributes else { return found };
    for attribute in &attributes.attributes {
        let kind = match attribute.oid {
            oids::MS_COUNTER_SIGNATURE => TimestampKind::Rfc3161,
            oids::COUNTER_SIGNATURE => TimestampKind::Pkcs9,
            _ => continue,
        };
        let mut values = attribute.values();
        while let Ok(Some(value)) = values.next() {
            if found.len() >= MAX_TIMESTAMPS {
                return found;
            }
            let facts = match kind {
                TimestampKind::Rfc3161 => rfc3161(&value, signer, outer, crls, lists),
                TimestampKind::Pkcs9 => pkcs9(&value, signer, outer, crls, lists),
            };
            found.push(facts);
        }
    }
    found
}

impl<'a> TimestampFacts<'a> {
    fn new(kind: TimestampKind, raw: &'a [u8]) -> Self {
        TimestampFacts {
            kind,
            raw,
            time: None,
            imprint_algorithm: None,
            fault: None,
            raw_hash: false,
            whole_response: false,
            pool: Pool::new(),
            certificate: None,
            paths: Paths::default(),
        }
    }

    fn fail(mut self, fault: TimestampFault) -> Self {
        self.fault.get_or_insert(fault);
        self
    }

    /// Gathers certificates and looks for the authority's and its paths.
    fn find_authority(
        &mut self,
        bags: &[(&SignedData<'a>, CertificateSource)],
        signer: &SignerInfo<'a>,
        crls: &[&BagLists<'a>],
        lists: Lists<'a>,
    ) {
        self.pool = gather(bags, lists);
        self.certificate = self.pool.authority(&signer.sid);
        if let Some(index) = self.certificate {
            self.paths = search(&self.pool, index, lists, Budget::default());
            revocation::attach(&mut self.paths, &self.pool, crls, lists);
        }
    }

    /// Whether the certificate that was found is the one that the token's signature binds. Nothing signs the `sid`, which
    /// any other certificate for the same key fits as well, one with another validity or issuer. Not every authority
    /// binds its certificate, although RFC 3161 section 2.4.2 wants it to; each attribute that is there has to fit.
    fn names_authority(&self, authority: &SignerInfo<'a>, lists: Lists<'a>) -> Result<(), TimestampFault> {
        let Some(attributes) = &authority.signed_attributes else { return Ok(()) };
        let raw = self.certificate.and_then(|index| self.pool.certificates.get(index)).map(|entry| entry.raw);
        let raw = raw.ok_or(TimestampFault::NoCertificate)?;
        let mut result = Ok(());
        for oid in SigningCertificate::ATTRIBUTES {
            let attribute = match attributes.one(oid) {
                Ok(attribute) => attribute,
                Err(None) => continue,
                Err(Some(_)) => return Err(TimestampFault::Signature),
            };
            let named = attribute.single_value().and_then(|value| SigningCertificate::parse(oid, &value));
            let named = named.map_err(|_| TimestampFault::Signature)?;
            if named.algorithm.is_some() && !lists.work.hash(named.algorithm, raw.len()) {
                return Err(TimestampFault::NoCertificate);
            }
            match named.algorithm.and_then(|algorithm| digest(algorithm, raw)) {
                None => result = Err(TimestampFault::Unsupported("certificate hash algorithm")),
                Some(value) if value.as_bytes() == &*named.hash => {}
                Some(_) => return Err(TimestampFault::Signature),
            }
        }
        result
    }

    /// The authority's key, paid for; `None` without a certificate or when the file's budget is used up.
    fn spki(&self, lists: Lists<'a>) -> Option<&'a [u8]> {
        let spki = self.certificate.and_then(|index| self.pool.certificate(index)).map(|certificate| certificate.spki);
        spki.filter(|spki| lists.work.spend(spki))
    }
}

fn rfc3161<'a>(
    value: &Element<'a>,
    signer: &SignerInfo<'a>,
    outer: &SignedData<'a>,
    crls: &BagLists<'a>,
    lists: Lists<'a>,
) -> TimestampFacts<'a> {
    let mut facts = TimestampFacts::new(TimestampKind::Rfc3161, value.raw);
    let Ok((data, whole_response)) = token(value) else { return facts.fail(TimestampFault::Malformed) };
    facts.whole_response = whole_response;
    let (Some(octets), Some(authority)) = (content_octets(&data), data.signers.first()) else {
        return facts.fail(TimestampFault::Malformed);
    };
    if !is_tst_info(data.content_type) || data.signer_count != 1 {
        return facts.fail(TimestampFault::Malformed);
    }
    let Ok(info) = TstInfo::parse(&octets) else { return facts.fail(TimestampFault::Malformed) };
    facts.time = info.gen_time;
    // The imprint's algorithm is the authority's choice and independent of the signer's (T51).
    facts.imprint_algorithm = DigestAlgorithm::from_oid(info.imprint_algorithm.oid);
    let bags = [(&data, CertificateSource::Timestamp), (outer, CertificateSource::Outer)];
    facts.find_authority(&bags, authority, &[&BagLists::of(&data), crls], lists);
    facts.paths.exhausted |= facts.certificate.is_some() && data.certificates_truncated;
    if data.unsound.or(authority.unsound()).is_some() {
        return facts.fail(TimestampFault::Malformed);
    }
    if info.gen_time.is_none() {
        return facts.fail(TimestampFault::NoTime);
    }
    if !lists.work.hash(facts.imprint_algorithm, signer.signature.len()) {
        return facts.fail(TimestampFault::NoCertificate);
    }
    let expected = facts.imprint_algorithm.and_then(|algorithm| digest(algorithm, &signer.signature));
    match expected {
        None => return facts.fail(TimestampFault::Unsupported("imprint digest algorithm")),
        Some(value) if value.as_bytes() != info.imprint => return facts.fail(TimestampFault::Imprint),
        Some(_) => {}
    }
    let Some(spki) = facts.spki(lists) else { return facts.fail(TimestampFault::NoCertificate) };
    let proof = signer_facts(authority, oids::TST_INFO, Some(&octets), Some(spki));
    let named = match proof.signature {
        _ if proof.attributes.is_err() => Err(TimestampFault::Signature),
        Some(Verification::Good(_) | Verification::Unsupported(_)) => facts.names_authority(authority, lists),
        _ => Err(TimestampFault::Signature),
    };
    match (named, proof.signature) {
        (Ok(()) | Err(TimestampFault::Unsupported(_)), Some(Verification::Unsupported(what))) => {
            facts.fail(TimestampFault::Unsupported(what))
        }
        (Err(fault), _) => facts.fail(fault),
        (Ok(()), _) => facts,
    }
}

/// A counterSignature is a SignerInfo over the outer signature's octets (RFC 2985 section 5.3.6); its time is
/// its own signed signingTime.
fn pkcs9<'a>(
    value: &Element<'a>,
    signer: &SignerInfo<'a>,
    outer: &SignedData<'a>,
    crls: &BagLists<'a>,
    lists: Lists<'a>,
) -> TimestampFacts<'a> {
    let mut facts = TimestampFacts::new(TimestampKind::Pkcs9, value.raw);
    let Ok(counter) = SignerInfo::parse(*value) else { return facts.fail(TimestampFault::Malformed) };
    let algorithm = DigestAlgorithm::from_oid(counter.digest_algorithm.oid);
    facts.imprint_algorithm = algorithm;
    facts.time = signing_time(&counter);
    facts.find_authority(&[(outer, CertificateSource::Outer)], &counter, &[crls], lists);
    if counter.unsound().is_some() {
        return facts.fail(TimestampFault::Malformed);
    }
    if facts.time.is_none() {
        return facts.fail(TimestampFault::NoTime);
    }
    let content_type = content_type_attribute(&counter, oids::DATA, true)
        .or_else(|_| content_type_attribute(&counter, oids::TST_INFO, true));
    if content_type.is_err() {
        return facts.fail(TimestampFault::Signature);
    }
    if !lists.work.hash(algorithm, signer.signature.len()) {
        return facts.fail(TimestampFault::NoCertificate);
    }
    if message_digest_attribute(&counter, algorithm, &signer.signature).is_err() {
        return facts.fail(TimestampFault::Imprint);
    }
    let Some(spki) = facts.spki(lists) else { return facts.fail(TimestampFault::NoCertificate) };
    let Some(attributes) = &counter.signed_attributes else { return facts.fail(TimestampFault::NoTime) };
    let message = attributes.signed_bytes();
    match verify(&counter, spki, algorithm, &message) {
        Verification::Good(_) => facts,
        Verification::Unsupported(what) => facts.fail(TimestampFault::Unsupported(what)),
        // Old authorities padded the bare hash (T27); only MD5 and SHA-1 ever occurred.
        _ if raw_hash_holds(spki, algorithm, &message, &counter.signature, lists.work) => {
            facts.raw_hash = true;
            facts
        }
        _ => facts.fail(TimestampFault::Signature),
    }
}

fn raw_hash_holds(
    spki: &[u8],
    algorithm: Option<DigestAlgorithm>,
    message: &[u8],
    signature: &[u8],
    work: &Work,
) -> bool {
    match algorithm {
        Some(legacy @ (DigestAlgorithm::Md5 | DigestAlgorithm::Sha1)) if work.spend(spki) => {
            digest(legacy, message).is_some_and(|value| verify_raw_hash_rsa(spki, value.as_bytes(), signature))
        }
        _ => false,
    }
}

fn signing_time(signer: &SignerInfo<'_>) -> Option<Time> {
    let attributes = signer.signed_attributes.as_ref()?;
    let value = attributes.one(oids::SIGNING_TIME).ok()?.single_value().ok()?;
    decode_time(&value)
}
