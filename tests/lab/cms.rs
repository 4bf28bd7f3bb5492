//! Authenticode signatures: PKCS#7 SignedData over SpcIndirectDataContent (RFC 2315, RFC 5652, Authenticode_PE).

use super::ca::issuer_and_serial;
use super::der::*;
use super::keys::{Hash, Key, Scheme};
use super::{cast, pages, pe};

pub const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
pub const DATA: &str = "1.2.840.113549.1.7.1";
pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
pub const SPC_INDIRECT_DATA: &str = "1.3.6.1.4.1.311.2.1.4";
pub const SPC_STATEMENT_TYPE: &str = "1.3.6.1.4.1.311.2.1.11";
pub const SPC_SP_OPUS_INFO: &str = "1.3.6.1.4.1.311.2.1.12";
pub const SPC_PE_IMAGE_DATA: &str = "1.3.6.1.4.1.311.2.1.15";
pub const SPC_INDIVIDUAL_PURPOSE: &str = "1.3.6.1.4.1.311.2.1.21";
pub const SPC_NESTED_SIGNATURE: &str = "1.3.6.1.4.1.311.2.4.1";
pub const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";

/// An unauthenticated attribute, made when the signature value that it may depend on is known.
pub type Unsigned = Box<dyn Fn(&[u8]) -> Der>;

/// How the finished message is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    Der,
    /// Indefinite lengths from ContentInfo down to the certificates.
    Indefinite,
    /// The signature value as a constructed OCTET STRING.
    PiecedSignature,
}

/// A signature that is about to be made; every member may be bent. `Default` is what signtool would write today.
pub struct Signature {
    /// Of the file and of the signer, unless overridden below.
    pub hash: Hash,
    /// Of the file alone.
    pub file_hash: Option<Hash>,
    /// The AlgorithmIdentifier beside the file's digest.
    pub file_alg: Option<Der>,
    /// Bends the file's digest before it is signed.
    pub bend_digest: fn(&mut Vec<u8>),
    /// SpcAttributeTypeAndOptionalValue.type
    pub data_type: &'static str,
    /// Page hashes to add: hash function, page size, and whether to spoil them.
    pub pages: Option<(Hash, usize, bool)>,
    /// The content inside an OCTET STRING, as CMS has it (RFC 5652 §5.2), not bare, as PKCS#7 has it (RFC 2315 §9.1).
    pub wrapped: bool,
    /// SpcIndirectDataContent with lengths of four octets throughout its top level.
    pub long_lengths: bool,
    /// eContentType and, if given, the whole content (what stands inside `[0]`).
    pub content_type: &'static str,
    pub content: Option<Der>,
    pub version: u32,
    /// SignedData.digestAlgorithms
    pub digest_algs: Option<Vec<Der>>,
    /// The signer's certificate, its key and how it signs.
    pub cert: Der,
    pub key: Key,
    pub scheme: Scheme,
    /// The bag.
    pub certs: Vec<Der>,
    pub crls: Vec<Der>,
    /// SignerInfo.version and .sid; `None` is issuer and serial number of `cert`.
    pub signer_version: u32,
    pub sid: Option<Der>,
    pub digest_alg: Option<Der>,
    pub sig_alg: Option<Der>,
    /// SpcSpOpusInfo's content.
    pub opus: Der,
    /// Bends the signed attributes, given in order: contentType, messageDigest, statement type, opus info.
    pub bend_attrs: fn(&mut Vec<Der>),
    /// Bends the signature value after signing.
    pub bend_signature: fn(&mut Vec<u8>),
    /// Bends the signed attributes after signing.
    pub bend_signed: fn(&mut Vec<u8>),
    pub unsigned: Vec<Unsigned>,
    pub signers: usize,
    pub spelling: Spelling,
}

impl Default for Signature {
    fn default() -> Signature {
        Signature::by(Key::Leaf)
    }
}

impl Signature {
    /// A sound signature by the publisher with one of its keys.
    pub fn by(key: Key) -> Signature {
        Signature::with(cast::publisher(key).der(), key)
    }

    /// A sound signature under a given certificate; the intermediate is in the bag.
    pub fn with(cert: Der, key: Key) -> Signature {
        Signature {
            hash: Hash::Sha256,
            file_hash: None,
            file_alg: None,
            bend_digest: |_| (),
            data_type: SPC_PE_IMAGE_DATA,
            pages: None,
            wrapped: false,
            long_lengths: false,
            content_type: SPC_INDIRECT_DATA,
            content: None,
            version: 1,
            digest_algs: None,
            certs: vec![cert.clone(), cast::inter().der()],
            cert,
            key,
            scheme: key.scheme(),
            crls: Vec::new(),
            signer_version: 1,
            sid: None,
            digest_alg: None,
            sig_alg: None,
            opus: opus(Some(bmp_string("Fixture")), Some("https://fixture.example/")),
            bend_attrs: |attrs| attrs.sort(),
            bend_signature: |_| (),
            bend_signed: |_| (),
            unsigned: Vec::new(),
            signers: 1,
            spelling: Spelling::Der,
        }
    }

    /// Adds an unauthenticated attribute.
    pub fn add(mut self, attribute: impl Fn(&[u8]) -> Der + 'static) -> Signature {
        self.unsigned.push(Box::new(attribute));
        self
    }

    /// The ContentInfo for an image that is already padded as it will stand in the file.
    pub fn build(&self, image: &[u8]) -> Der {
        self.build_for(image, &pe::authentihash(image, self.file_hash.unwrap_or(self.hash)))
    }

    /// The same over a file digest that was computed elsewhere.
    pub fn build_for(&self, image: &[u8], file_digest: &[u8]) -> Der {
        let content = self.content.clone().unwrap_or_else(|| self.indirect_data(image, file_digest));
        let content = if self.wrapped { octets(&content) } else { content };
        let signer = self.signer_info(split(&content).0);
        let signers = vec![signer; self.signers];
        let wrap = |tag: u8, body: &[u8]| match self.spelling {
            Spelling::Indefinite => tlv_indefinite(tag, body),
            _ => tlv(tag, body),
        };
        let digest_algs = self.digest_algs.clone().unwrap_or_else(|| vec![self.signer_digest_alg()]);
        let encap = wrap(0x30, &[oid(self.content_type), wrap(0xa0, &content)].concat());
        let certs = if self.certs.is_empty() { Der::new() } else { wrap(0xa0, &self.certs.concat()) };
        let crls = if self.crls.is_empty() { Der::new() } else { ctx(1, &self.crls.concat()) };
        let signed_data =
            wrap(0x30, &[small(self.version), set(&digest_algs), encap, certs, crls, set(&signers)].concat());
        wrap(0x30, &[oid(SIGNED_DATA), wrap(0xa0, &signed_data)].concat())
    }

    /// SpcIndirectDataContent ::= SEQUENCE { data SpcAttributeTypeAndOptionalValue, messageDigest DigestInfo }
    fn indirect_data(&self, image: &[u8], file_digest: &[u8]) -> Der {
        let sequence = |parts: &[Der]| {
            if self.long_lengths { tlv_long_length(0x30, &parts.concat()) } else { seq(parts) }
        };
        let link = match self.pages {
            None => ctx(2, &ctx_prim(0, &utf16_be("<<<Obsolete>>>"))),
            Some((hash, size, spoiled)) => {
                let mut table = pages::table(image, hash, size);
                table[6] ^= u8::from(spoiled);
                pages::link(&table, hash)
            }
        };
        let image_data = sequence(&[tlv(0x03, &[0]), ctx(0, &link)]);
        let mut digest = file_digest.to_vec();
        (self.bend_digest)(&mut digest);
        let algorithm = self.file_alg.clone().unwrap_or_else(|| self.file_hash.unwrap_or(self.hash).alg());
        sequence(&[sequence(&[oid(self.data_type), image_data]), sequence(&[algorithm, octets(&digest)])])
    }

    fn signer_digest_alg(&self) -> Der {
        self.digest_alg.clone().unwrap_or_else(|| self.hash.alg())
    }

    fn signer_info(&self, content: &[u8]) -> Der {
        let mut attrs = vec![
            attribute(CONTENT_TYPE, &[oid(self.content_type)]),
            attribute(MESSAGE_DIGEST, &[octets(&self.hash.digest(content))]),
            attribute(SPC_STATEMENT_TYPE, &[seq(&[oid(SPC_INDIVIDUAL_PURPOSE)])]),
            attribute(SPC_SP_OPUS_INFO, std::slice::from_ref(&self.opus)),
        ];
        (self.bend_attrs)(&mut attrs);
        let mut attrs = attrs.concat();
        let mut value = self.key.sign(self.scheme, self.hash, &tlv(0x31, &attrs));
        (self.bend_signature)(&mut value);
        (self.bend_signed)(&mut attrs);
        let unsigned: Vec<Der> = self.unsigned.iter().map(|make| make(&value)).collect();
        seq(&[
            small(self.signer_version),
            self.sid.clone().unwrap_or_else(|| issuer_and_serial(&self.cert)),
            self.signer_digest_alg(),
            ctx(0, &attrs),
            self.sig_alg.clone().unwrap_or_else(|| signer_alg(self.key, self.scheme, self.hash)),
            if self.spelling == Spelling::PiecedSignature { octets_in_pieces(&value, 100) } else { octets(&value) },
            if unsigned.is_empty() { Der::new() } else { ctx(1, &unsigned.concat()) },
        ])
    }
}

/// SignerInfo.signatureAlgorithm as signtool writes it: rsaEncryption, whatever the hash.
pub fn signer_alg(key: Key, scheme: Scheme, hash: Hash) -> Der {
    match scheme {
        Scheme::Pkcs1 | Scheme::Pkcs1NoNull | Scheme::RawHash => alg_null(RSA_ENCRYPTION),
        Scheme::Pss | Scheme::Ecdsa => key.sig_alg(scheme, hash),
    }
}

/// SpcString, unicode [0]
pub fn bmp_string(text: &str) -> Der {
    ctx_prim(0, &utf16_be(text))
}

/// SpcString, ascii [1]
pub fn ascii_string(text: &str) -> Der {
    ctx_prim(1, text.as_bytes())
}

/// SpcSpOpusInfo ::= SEQUENCE { programName [0] EXPLICIT SpcString OPTIONAL, moreInfo [1] EXPLICIT SpcLink OPTIONAL }
pub fn opus(program_name: Option<Der>, more_info: Option<&str>) -> Der {
    let name = program_name.map(|string| ctx(0, &string)).unwrap_or_default();
    let url = more_info.map(|url| ctx(1, &ctx_prim(0, url.as_bytes()))).unwrap_or_default();
    seq(&[name, url])
}

/// The attribute that holds further signatures.
pub fn nested(signatures: Vec<Der>) -> impl Fn(&[u8]) -> Der {
    move |_| attribute(SPC_NESTED_SIGNATURE, &signatures)
}

/// Flips a bit in the middle.
pub fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

/// An OCSP response as a member of SignedData.crls (RFC 5940 §2.1).
pub fn ocsp_in_bag(response: &Der) -> Der {
    ctx(1, &[oid("1.3.6.1.5.5.7.16.2"), response.clone()].concat())
}
