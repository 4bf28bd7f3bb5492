//! Timestamps: RFC 3161 tokens in Microsoft's attribute, and PKCS#9 counter-signatures.

use super::ca::issuer_and_serial;
use super::cast;
use super::cms::{CONTENT_TYPE, DATA, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_TIME, signer_alg};
use super::der::*;
use super::keys::{Hash, Key, Scheme};

/// szOID_RFC3161_counterSign: where Windows keeps tokens, not id-aa-timeStampToken.
pub const RFC3161_COUNTER_SIGN: &str = "1.3.6.1.4.1.311.3.3.1";
pub const COUNTER_SIGNATURE: &str = "1.2.840.113549.1.9.6";
pub const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
pub const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
pub const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

/// An RFC 3161 token that is about to be made. [`Token::at`] is sound.
#[derive(Clone)]
pub struct Token {
    /// genTime, and its whole element in place of a sound one.
    pub time: &'static str,
    pub time_form: Option<Der>,
    pub imprint: Hash,
    /// AlgorithmIdentifiers in place of those of `imprint` and `hash`, which are still what is computed.
    pub imprint_alg: Option<Der>,
    pub digest_alg: Option<Der>,
    /// Bends the imprint before it is signed.
    pub bend_imprint: fn(&mut Vec<u8>),
    pub cert: Der,
    pub key: Key,
    pub hash: Hash,
    /// The attributes that name the certificate, in place of a sound one.
    pub naming: Option<Vec<Der>>,
    /// The token's own bag.
    pub certs: Vec<Der>,
    /// A v1 attribute certificate in the bag, `[1]`, as Microsoft's service adds it.
    pub attribute_certificate: bool,
    /// The TSTInfo in an OCTET STRING of several pieces.
    pub pieces: bool,
    pub broken: bool,
}

impl Token {
    pub fn at(time: &'static str) -> Token {
        Token {
            time,
            time_form: None,
            imprint: Hash::Sha256,
            imprint_alg: None,
            digest_alg: None,
            bend_imprint: |_| (),
            cert: cast::tsa().der(),
            key: Key::Tsa,
            hash: Hash::Sha256,
            naming: None,
            certs: vec![cast::tsa().der()],
            attribute_certificate: false,
            pieces: false,
            broken: false,
        }
    }

    /// The same token from an authority with another certificate for the TSA's key.
    pub fn from(mut self, cert: Der) -> Token {
        self.certs = vec![cert.clone()];
        self.cert = cert;
        self
    }

    /// As an unauthenticated attribute.
    pub fn attribute(self) -> impl Fn(&[u8]) -> Der {
        move |signature_value| attribute(RFC3161_COUNTER_SIGN, &[self.build(signature_value)])
    }

    /// TSTInfo (RFC 3161 §2.4.2) over the signature value.
    fn info(&self, signature_value: &[u8]) -> Der {
        let mut imprint = self.imprint.digest(signature_value);
        (self.bend_imprint)(&mut imprint);
        seq(&[
            small(1),
            oid("2.999.2"),
            seq(&[self.imprint_alg.clone().unwrap_or_else(|| self.imprint.alg()), octets(&imprint)]),
            small(7),
            self.time_form.clone().unwrap_or_else(|| generalized_time(self.time)),
        ])
    }

    pub fn build(&self, signature_value: &[u8]) -> Der {
        let info = self.info(signature_value);
        let mut attrs = vec![
            attribute(CONTENT_TYPE, &[oid(TST_INFO)]),
            attribute(MESSAGE_DIGEST, &[octets(&self.hash.digest(&info))]),
        ];
        let named = || vec![naming(SIGNING_CERTIFICATE_V2, &[octets(&Hash::Sha256.digest(&self.cert))])];
        attrs.extend(self.naming.clone().unwrap_or_else(named));
        let attrs = set_sorted(&attrs);
        let digest_alg = self.digest_alg.clone().unwrap_or_else(|| self.hash.alg());
        let signer = signer_info(&self.cert, self.key, self.key.scheme(), (self.hash, digest_alg), &attrs, self.broken);
        let mut certs = self.certs.concat();
        if self.attribute_certificate {
            certs.extend(attribute_certificate());
        }
        let signed_data = seq(&[
            small(3),
            set(&[self.hash.alg()]),
            seq(&[oid(TST_INFO), ctx(0, &if self.pieces { octets_in_pieces(&info, 20) } else { octets(&info) })]),
            if certs.is_empty() { Der::new() } else { ctx(0, &certs) },
            set(&[signer]),
        ]);
        seq(&[oid(SIGNED_DATA), ctx(0, &signed_data)])
    }
}

/// A signing-certificate attribute (RFC 2634 §5.4, RFC 5035 §3) that names one certificate.
pub fn naming(kind: &str, id: &[Der]) -> Der {
    attribute(kind, &[seq(&[seq(&[seq(id)])])])
}

/// SignerInfo v1 over signed attributes given as a SET.
fn signer_info(
    cert: &[u8],
    key: Key,
    scheme: Scheme,
    (hash, digest_alg): (Hash, Der),
    attrs: &[u8],
    broken: bool,
) -> Der {
    let mut value = key.sign(scheme, hash, attrs);
    if broken {
        super::cms::flip(&mut value);
    }
    seq(&[
        small(1),
        issuer_and_serial(cert),
        digest_alg,
        ctx(0, split(attrs).0),
        signer_alg(key, scheme, hash),
        octets(&value),
    ])
}

/// AttributeCertificateV1 (RFC 5652 §12.1) as `v1AttrCert [1] IMPLICIT`: obsolete, in millions of Microsoft tokens, and
/// of no meaning to the timestamp.
fn attribute_certificate() -> Der {
    let holder = ctx(1, &ctx(4, &cast::tsa_root_name()));
    let issuer = seq(&[ctx(4, &cast::tsa_root_name())]);
    let period = seq(&[generalized_time("20200101000000Z"), generalized_time("20400101000000Z")]);
    let algorithm = alg_null(Hash::Sha256.rsa_oid());
    let attributes = seq(&[attribute("2.999.3", &[utf8("clock audit")])]);
    let info = seq(&[holder, issuer, algorithm.clone(), small(9), period, attributes]);
    ctx(1, &[info, algorithm, bits(&[0x5a; 32])].concat())
}

/// A PKCS#9 counter-signature (RFC 2985 §5.3.6, Authenticode_PE) that is about to be made. [`Counter::at`] is sound.
#[derive(Clone)]
pub struct Counter {
    /// signingTime, which is what the authority vouches for, and its whole element in place of a sound one.
    pub time: &'static str,
    pub time_form: Option<Der>,
    pub hash: Hash,
    /// The AlgorithmIdentifier in place of that of `hash`, which is still what is computed.
    pub digest_alg: Option<Der>,
    pub scheme: Scheme,
    /// The contentType attribute, if there is one.
    pub content_type: Option<&'static str>,
    pub cert: Der,
    pub key: Key,
    /// The messageDigest of something else.
    pub wrong_digest: bool,
    pub broken: bool,
}

impl Counter {
    pub fn at(time: &'static str) -> Counter {
        Counter {
            time,
            time_form: None,
            hash: Hash::Sha1,
            digest_alg: None,
            scheme: Scheme::Pkcs1,
            content_type: Some(DATA),
            cert: cast::tsa().der(),
            key: Key::Tsa,
            wrong_digest: false,
            broken: false,
        }
    }

    /// As an unauthenticated attribute. The authority's certificate has to be put into the signature's bag.
    pub fn attribute(self) -> impl Fn(&[u8]) -> Der {
        move |signature_value| {
            let counted = if self.wrong_digest { b"something else" } else { signature_value };
            let mut attrs: Vec<Der> =
                self.content_type.iter().map(|kind| attribute(CONTENT_TYPE, &[oid(kind)])).collect();
            attrs.push(attribute(SIGNING_TIME, &[self.time_form.clone().unwrap_or_else(|| time(self.time))]));
            attrs.push(attribute(MESSAGE_DIGEST, &[octets(&self.hash.digest(counted))]));
            let attrs = set_sorted(&attrs);
            let digest_alg = self.digest_alg.clone().unwrap_or_else(|| self.hash.alg());
            let value = signer_info(&self.cert, self.key, self.scheme, (self.hash, digest_alg), &attrs, self.broken);
            attribute(COUNTER_SIGNATURE, &[value])
        }
    }
}
