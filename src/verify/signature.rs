//! One signature: its digest, its attributes, the signer's own signature, the paths of its certificate.

use std::collections::BTreeMap;

use super::Lists;
use super::paths::{Budget, Paths, search};
use super::pool::{CertificateSource, Pool};
use super::revocation::{self, BagLists};
use super::timestamp::{TimestampFacts, timestamps};
use super::tree::{ParsedSignature, SignatureBody};
use crate::asn1::{Oid, oids, tag};
use crate::cms::{SignedData, SignerInfo, spc};
use crate::container::{Blob, Tail};
use crate::crypto::{DigestAlgorithm, DigestValue, Verification, digest, verify_signature};
use crate::x509::Certificate;

/// Digests of the covered bytes of the file, made in one pass.
#[derive(Debug, Clone, Default)]
pub struct FileDigests {
    /// Authenticode digests by algorithm.
    pub authentihash: BTreeMap<DigestAlgorithm, DigestValue>,
}

/// How the signed digest compares with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestFact {
    /// Equal, octet for octet and in length.
    Match,
    /// Different.
    Mismatch,
    /// MD2 or MD4, which Windows refuses as a file hash.
    Refused(DigestAlgorithm),
    /// An algorithm that is not known here.
    Unknown,
    /// Nothing outside the signature was signed (a catalog): the attributes bind the content, and that is all.
    Inside,
}

/// Why the signed attributes do not bind the content, apart from any signature over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeFault {
    /// messageDigest is missing, repeated, has several values, or one that is no OCTET STRING.
    NoMessageDigest,
    /// messageDigest is not the digest of the content.
    MessageDigestDiffers,
    /// contentType is missing or names another type than the content has.
    ContentType,
    /// The digest algorithm is not known here.
    UnknownDigest,
    /// The content cannot be read as octets.
    Content,
}

/// What the signer's own signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignerFacts {
    /// Whether the attributes bind the content.
    pub attributes: Result<(), AttributeFault>,
    /// The public-key signature over the attributes; `None` without the signer's certificate.
    pub signature: Option<Verification>,
}

impl SignerFacts {
    /// Whether everything the signer can vouch for holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.attributes.is_ok() && self.signature.is_some_and(Verification::is_good)
    }
}

/// The facts of one signature of a file.
#[derive(Debug)]
pub struct SignatureFacts<'a> {
    /// The structure, or why there is none.
    pub parsed: &'a ParsedSignature<'a>,
    /// Bytes behind the PKCS#7 inside its entry (top-level signatures only).
    pub tail: Tail,
    /// The file's budget of public-key work ran out before everything about this signature was verified, its timestamps aside.
    pub over_budget: bool,
    /// The budget ran out over the signature's timestamps; what is known of the signer is complete.
    pub timestamps_over_budget: bool,
    /// Everything that needs a structure.
    pub content: Option<ContentFacts<'a>>,
}

/// The facts of a signature that has the structure of Authenticode.
#[derive(Debug)]
pub struct ContentFacts<'a> {
    /// The structure.
    pub body: &'a SignatureBody<'a>,
    /// Digest algorithm of the file; for a catalog that of the SignerInfo.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// The file's digest under that algorithm; for a catalog that of its list.
    pub computed: Option<DigestValue>,
    /// How it compares.
    pub digest: DigestFact,
    /// The signer's own signature.
    pub signer: SignerFacts,
    /// The certificates that may take part.
    pub pool: Pool<'a>,
    /// The signer's certificate in the pool.
    pub certificate: Option<usize>,
    /// Its paths.
    pub paths: Paths<'a>,
    /// Its timestamps, in file order.
    pub timestamps: Vec<TimestampFacts<'a>>,
}

/// Establishes the facts of one signature.
pub(super) fn establish<'a>(
    parsed: &'a ParsedSignature<'a>,
    tree: &'a [ParsedSignature<'a>],
    blobs: &'a [Blob],
    digests: &FileDigests,
    lists: Lists<'a>,
) -> SignatureFacts<'a> {
    let tail = match parsed.parent {
        None => blobs.get(parsed.blob).map(|blob| blob.tail).unwrap_or_default(),
        Some(_) => Tail::default(),
    };
    let work = lists.work;
    let mut over_budget = work.is_exhausted();
    let content = parsed.body.as_ref().ok().map(|body| {
        let pool = pool_of(parsed, body, tree, lists);
        let certificate = pool.signer(&body.signer.sid);
        let spki = certificate.and_then(|index| pool.certificate(index)).map(|certificate| certificate.spki);
        let affordable = spki.filter(|spki| lists.work.spend(spki));
        let mut paths = certificate.map(|index| search(&pool, index, lists, Budget::default())).unwrap_or_default();
        // Issuers may be among the certificates that were not read: then it is as if the search had stopped early.
        paths.exhausted |= certificate.is_some() && body.data.certificates_truncated;
        let crls = BagLists::of(&body.data);
        let signer = signer_facts(&body.signer, body.content.kind(), Some(body.content.octets()), affordable);
        revocation::attach(&mut paths, &pool, &[&crls], lists);
        // Nobody signs what stands among the timestamps: the signer is settled before they can take its share.
        over_budget = work.is_exhausted();
        let timestamps = timestamps(&body.signer, &body.data, &crls, lists);
        let (digest_algorithm, computed, digest) = compare_digest(body, digests);
        ContentFacts { body, digest_algorithm, computed, digest, signer, timestamps, pool, certificate, paths }
    });
    let timestamps_over_budget = work.is_exhausted() && !over_budget;
    SignatureFacts { parsed, tail, over_budget, timestamps_over_budget, content }
}

/// The signature's own bag first, then the bags of the signatures around it, then the user's certificates; none when the
/// file's budget does not allow it.
fn pool_of<'a>(
    parsed: &ParsedSignature<'a>,
    body: &'a SignatureBody<'a>,
    tree: &'a [ParsedSignature<'a>],
    lists: Lists<'a>,
) -> Pool<'a> {
    let mut bags = vec![(&body.data, CertificateSource::Signature)];
    let mut outer = parsed.parent;
    while let Some(signature) = outer.and_then(|index| tree.get(index)) {
        if let Ok(body) = &signature.body {
            bags.push((&body.data, CertificateSource::Outer));
        }
        outer = signature.parent; // parents have smaller indices, so this ends
    }
    gather(&bags, lists)
}

/// A pool of these bags and of the user's certificates, in this order; empty when the file's budget does not allow it.
pub(super) fn gather<'a>(bags: &[(&SignedData<'a>, CertificateSource)], lists: Lists<'a>) -> Pool<'a> {
    let mut pool = Pool::new();
    let own = bags.iter().flat_map(|(data, _)| &data.certificates).map(|element| element.raw.len());
    let given = lists.intermediates.iter().chain(lists.downloaded).map(Vec::len);
    if !lists.work.gather(own.sum(), given.sum()) {
        return pool;
    }
    // Other files may have brought the same certificates before.
    let know = |certificate: &Certificate<'_>| lists.memo.certificates.get(certificate, lists.work);
    for (data, source) in bags {
        pool.add_bag_known(data, *source, &know);
    }
    for raw in lists.intermediates {
        pool.add_known(raw, 0, CertificateSource::Intermediates, &know);
    }
    for raw in lists.downloaded {
        pool.add_known(raw, 0, CertificateSource::Online, &know);
    }
    pool
}

/// The algorithm comes from SpcIndirectDataContent (T16) and lengths are compared exactly (T38).
fn compare_digest(
    body: &SignatureBody<'_>,
    digests: &FileDigests,
) -> (Option<DigestAlgorithm>, Option<DigestValue>, DigestFact) {
    let Some(indirect) = body.content.file() else {
        let algorithm = DigestAlgorithm::from_oid(body.signer.digest_algorithm.oid);
        let computed = algorithm.and_then(|algorithm| digest(algorithm, body.content.octets()));
        return (algorithm, computed, DigestFact::Inside);
    };
    let Some(algorithm) = DigestAlgorithm::from_oid(indirect.digest_algorithm.oid) else {
        return (None, None, DigestFact::Unknown);
    };
    if matches!(algorithm, DigestAlgorithm::Md2 | DigestAlgorithm::Md4) {
        return (Some(algorithm), None, DigestFact::Refused(algorithm));
    }
    let computed = digests.authentihash.get(&algorithm).copied();
    let fact = match computed {
        Some(value) if value.as_bytes() == indirect.digest => DigestFact::Match,
        Some(_) => DigestFact::Mismatch,
        None => DigestFact::Unknown,
    };
    (Some(algorithm), computed, fact)
}

/// Verifies a SignerInfo over content octets with the given key.
///
/// With signed attributes: contentType and messageDigest must bind the content and the signature covers the
/// attributes as they stand (RFC 5652 section 5.4). Without: the signature covers the content octets.
/// `content_type` of `None` in the attributes is allowed where `content_type_optional` callers say so.
#[must_use]
pub fn signer_facts(
    signer: &SignerInfo<'_>,
    content_type: Oid<'_>,
    content: Option<&[u8]>,
    spki: Option<&[u8]>,
) -> SignerFacts {
    let Some(content) = content else {
        return SignerFacts { attributes: Err(AttributeFault::Content), signature: None };
    };
    let algorithm = DigestAlgorithm::from_oid(signer.digest_algorithm.oid);
    let Some(attributes) = &signer.signed_attributes else {
        let signature = spki.map(|spki| verify(signer, spki, algorithm, content));
        // What is signed is the digest by this algorithm, which a name beside the signature does not make known.
        let attributes = algorithm.map(drop).ok_or(AttributeFault::UnknownDigest);
        return SignerFacts { attributes, signature };
    };
    let binding = content_type_attribute(signer, content_type, false)
        .and_then(|()| message_digest_attribute(signer, algorithm, content));
    let signature = spki.map(|spki| verify(signer, spki, algorithm, &attributes.signed_bytes()));
    SignerFacts { attributes: binding, signature }
}

pub(super) fn verify(
    signer: &SignerInfo<'_>,
    spki: &[u8],
    algorithm: Option<DigestAlgorithm>,
    message: &[u8],
) -> Verification {
    verify_signature(spki, &signer.signature_algorithm, algorithm, message, &signer.signature)
}

/// contentType must be there once and name the content's type by an OBJECT IDENTIFIER; counter-signatures may leave it out.
pub(super) fn content_type_attribute(
    signer: &SignerInfo<'_>,
    expected: Oid<'_>,
    optional: bool,
) -> Result<(), AttributeFault> {
    let Some(attributes) = &signer.signed_attributes else { return Ok(()) };
    match attributes.one(oids::CONTENT_TYPE) {
        Ok(attribute) => match attribute.single_value() {
            Ok(value) if value.tag == tag::OID && value.content == expected => Ok(()),
            _ => Err(AttributeFault::ContentType),
        },
        Err(None) if optional => Ok(()),
        Err(_) => Err(AttributeFault::ContentType),
    }
}

/// messageDigest must be there once, with one value (T22), an OCTET STRING that is equal to the digest of the content octets.
pub(super) fn message_digest_attribute(
    signer: &SignerInfo<'_>,
    algorithm: Option<DigestAlgorithm>,
    content: &[u8],
) -> Result<(), AttributeFault> {
    let Some(attributes) = &signer.signed_attributes else { return Ok(()) };
    let attribute = attributes.one(oids::MESSAGE_DIGEST).map_err(|_| AttributeFault::NoMessageDigest)?;
    let value = attribute.single_value().map_err(|_| AttributeFault::NoMessageDigest)?;
    let stated = value.octet_string().map_err(|_| AttributeFault::NoMessageDigest)?;
    let computed = algorithm.and_then(|algorithm| digest(algorithm, content)).ok_or(AttributeFault::UnknownDigest)?;
    if computed.as_bytes() == &*stated { Ok(()) } else { Err(AttributeFault::MessageDigestDiffers) }
}

/// [`spc::digested_content`] without its error, for callers that treat unreadable content as absent.
pub(super) fn content_octets<'a>(data: &crate::cms::SignedData<'a>) -> Option<std::borrow::Cow<'a, [u8]>> {
    data.content.as_ref().and_then(|content| spc::digested_content(content).ok())
}
