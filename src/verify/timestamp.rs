//! What a timestamp proves: that a time authority saw this very signature at a stated time.

use super::Lists;
use super::paths::{Budget, Paths, search};
use super::pool::{CertificateSource, Pool};
use super::revocation::{self, BagLists};
use super::signature::{
    AttributeFault, content_octets, content_type_attribute, gather, message_digest_attribute, signer_facts, verify,
};
use super::work::Work;
use crate::asn1::{Element, Stamped, Time, decode_signing_time, oids};
use crate::cms::timestamp::{TstInfo, is_tst_info, token};
use crate::cms::{SignedData, SignerInfo, SigningCertificate};
use crate::crypto::{DigestAlgorithm, Verification, digest, hash_for_signature, verify_raw_hash_rsa};

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
    /// The authority's certificate is in no bag.
    NoCertificate,
    /// No time can be read.
    NoTime,
    /// Imprint or signature is by an algorithm that Windows refuses; the text names it.
    Refused(&'static str),
    /// The algorithm cannot be computed here, and nothing else is known to be wrong.
    Unsupported(&'static str),
    /// The file's budget of work did not allow to go on.
    OverBudget,
}

/// The facts of one timestamp.
#[derive(Debug)]
pub struct TimestampFacts<'a> {
    /// Which kind.
    pub kind: TimestampKind,
    /// The attribute value as it stands.
    pub raw: &'a [u8],
    /// The stated time, down to the second.
    pub time: Option<Time>,
    /// The stated time is a part of a second later.
    pub later: bool,
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
            later: false,
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

    fn state(&mut self, stamped: Option<Stamped>) {
        self.time = stamped.map(|stamped| stamped.time);
        self.later = stamped.is_some_and(|stamped| stamped.later);
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
            refused(named.algorithm)?;
            if named.algorithm.is_some() && !lists.work.hash(named.algorithm, raw.len()) {
                return Err(TimestampFault::OverBudget);
            }
            match named.algorithm.and_then(|algorithm| digest(algorithm, raw)) {
                None => result = Err(TimestampFault::Unsupported("certificate hash algorithm")),
                Some(value) if value.as_bytes() == &*named.hash => {}
                Some(_) => return Err(TimestampFault::Signature),
            }
        }
        result
    }

    /// The authority's key, paid for.
    fn spki(&self, lists: Lists<'a>) -> Result<&'a [u8], TimestampFault> {
        let spki = self.certificate.and_then(|index| self.pool.certificate(index)).map(|certificate| certificate.spki);
        match spki {
            Some(spki) if lists.work.spend(spki) => Ok(spki),
            // Without a budget no bag was opened, so the certificate may be there.
            None if !lists.work.is_exhausted() => Err(TimestampFault::NoCertificate),
            _ => Err(TimestampFault::OverBudget),
        }
    }
}

/// What is missing where SignerInfo.digestAlgorithm is not known here.
const UNKNOWN_DIGEST: &str = "digest algorithm";

/// MD2 and MD4 prove nothing in a timestamp, as they prove nothing of a file. MD5 has to stay: honest old counter-signatures
/// are made with it.
fn refused(algorithm: Option<DigestAlgorithm>) -> Result<(), TimestampFault> {
    match algorithm {
        Some(DigestAlgorithm::Md2) => Err(TimestampFault::Refused("MD2")),
        Some(DigestAlgorithm::Md4) => Err(TimestampFault::Refused("MD4")),
        _ => Ok(()),
    }
}

/// The same for the hash that an authority's signature is made over.
fn refused_by(authority: &SignerInfo<'_>) -> Result<(), TimestampFault> {
    let algorithm = DigestAlgorithm::from_oid(authority.digest_algorithm.oid);
    refused(algorithm).and_then(|()| refused(hash_for_signature(&authority.signature_algorithm, algorithm)))
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
    facts.state(info.gen_time);
    // The imprint's algorithm is the authority's choice and independent of the signer's (T51).
    facts.imprint_algorithm = DigestAlgorithm::from_oid(info.imprint_algorithm.oid);
    let bags = [(&data, CertificateSource::Timestamp), (outer, CertificateSource::Outer)];
    facts.find_authority(&bags, authority, &[&BagLists::of(&data), crls], lists);
    facts.paths.exhausted |= facts.certificate.is_some() && data.certificates_truncated;
    if data.unsound.or(authority.unsound()).is_some() {
        return facts.fail(TimestampFault::Malformed);
    }
    if facts.time.is_none() {
        return facts.fail(TimestampFault::NoTime);
    }
    match facts.confirm_token(&info, &octets, authority, &signer.signature, lists) {
        Ok(()) => facts,
        Err(fault) => facts.fail(fault),
    }
}

impl<'a> TimestampFacts<'a> {
    /// Whether a token's imprint is of this signature and its authority's key confirms it. What is wrong for certain is said
    /// before what cannot be computed.
    fn confirm_token(
        &self,
        info: &TstInfo<'_>,
        octets: &[u8],
        authority: &SignerInfo<'a>,
        stamped: &[u8],
        lists: Lists<'a>,
    ) -> Result<(), TimestampFault> {
        let algorithm = self.imprint_algorithm;
        refused(algorithm)?;
        if !lists.work.hash(algorithm, stamped.len()) {
            return Err(TimestampFault::OverBudget);
        }
        let mut unknown = None;
        match algorithm.and_then(|algorithm| digest(algorithm, stamped)) {
            None => unknown = Some("imprint digest algorithm"),
            Some(value) if value.as_bytes() != info.imprint => return Err(TimestampFault::Imprint),
            Some(_) => {}
        }
        let spki = self.spki(lists)?;
        refused_by(authority)?;
        let proof = signer_facts(authority, oids::TST_INFO, Some(octets), Some(spki));
        let known = match proof.attributes {
            Ok(()) => true,
            Err(AttributeFault::UnknownDigest) => false,
            Err(_) => return Err(TimestampFault::Signature),
        };
        unknown = unknown.or((!known).then_some(UNKNOWN_DIGEST));
        match proof.signature {
            Some(Verification::Good(_)) => {}
            Some(Verification::Unsupported(what)) => unknown = unknown.or(Some(what)),
            Some(Verification::Refused(what)) => return Err(TimestampFault::Refused(what)),
            // Under another digest than the one that is named, and not known here, the signature may hold.
            Some(Verification::Bad) if !known => {}
            Some(Verification::Bad) | None => return Err(TimestampFault::Signature),
        }
        match self.names_authority(authority, lists) {
            Err(TimestampFault::Unsupported(what)) => unknown = unknown.or(Some(what)),
            named => named?,
        }
        unknown.map_or(Ok(()), |what| Err(TimestampFault::Unsupported(what)))
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
    facts.imprint_algorithm = DigestAlgorithm::from_oid(counter.digest_algorithm.oid);
    facts.state(signing_time(&counter));
    facts.find_authority(&[(outer, CertificateSource::Outer)], &counter, &[crls], lists);
    if counter.unsound().is_some() {
        return facts.fail(TimestampFault::Malformed);
    }
    if facts.time.is_none() {
        return facts.fail(TimestampFault::NoTime);
    }
    match facts.confirm_counter(&counter, &signer.signature, lists) {
        Ok(raw_hash) => TimestampFacts { raw_hash, ..facts },
        Err(fault) => facts.fail(fault),
    }
}

impl<'a> TimestampFacts<'a> {
    /// Whether a counter-signature is of this signature and its authority's key confirms it, and whether that key signed the
    /// bare hash.
    fn confirm_counter(
        &self,
        counter: &SignerInfo<'a>,
        stamped: &[u8],
        lists: Lists<'a>,
    ) -> Result<bool, TimestampFault> {
        let algorithm = self.imprint_algorithm;
        refused_by(counter)?;
        content_type_attribute(counter, oids::DATA, true)
            .or_else(|_| content_type_attribute(counter, oids::TST_INFO, true))
            .map_err(|_| TimestampFault::Signature)?;
        if !lists.work.hash(algorithm, stamped.len()) {
            return Err(TimestampFault::OverBudget);
        }
        let known = match message_digest_attribute(counter, algorithm, stamped) {
            Ok(()) => true,
            Err(AttributeFault::UnknownDigest) => false,
            Err(_) => return Err(TimestampFault::Imprint),
        };
        let spki = self.spki(lists)?;
        let attributes = counter.signed_attributes.as_ref().ok_or(TimestampFault::NoTime)?;
        let message = attributes.signed_bytes();
        match verify(counter, spki, algorithm, &message) {
            Verification::Unsupported(what) => Err(TimestampFault::Unsupported(what)),
            Verification::Refused(what) => Err(TimestampFault::Refused(what)),
            Verification::Good(_) if known => Ok(false),
            Verification::Good(_) | Verification::Bad if !known => Err(TimestampFault::Unsupported(UNKNOWN_DIGEST)),
            // Old authorities padded the bare hash (T27); only MD5 and SHA-1 ever occurred.
            _ => match raw_hash_holds(spki, algorithm, &message, &counter.signature, lists.work) {
                Some(true) => Ok(true),
                Some(false) => Err(TimestampFault::Signature),
                None => Err(TimestampFault::OverBudget),
            },
        }
    }
}

/// `None` when the file's budget does not allow to find out.
fn raw_hash_holds(
    spki: &[u8],
    algorithm: Option<DigestAlgorithm>,
    message: &[u8],
    signature: &[u8],
    work: &Work,
) -> Option<bool> {
    let Some(legacy @ (DigestAlgorithm::Md5 | DigestAlgorithm::Sha1)) = algorithm else { return Some(false) };
    let holds = || digest(legacy, message).is_some_and(|value| verify_raw_hash_rsa(spki, value.as_bytes(), signature));
    work.spend(spki).then(holds)
}

fn signing_time(signer: &SignerInfo<'_>) -> Option<Stamped> {
    let attributes = signer.signed_attributes.as_ref()?;
    let value = attributes.one(oids::SIGNING_TIME).ok()?.single_value().ok()?;
    decode_signing_time(&value)
}
