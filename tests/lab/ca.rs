//! Certificates, sound and unsound (RFC 5280 §4.1).

use super::der::*;
use super::keys::{Hash, Key, Scheme};

pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
pub const ANY_USAGE: &str = "2.5.29.37.0";
/// szOID_KP_LIFETIME_SIGNING (wincrypt.h): timestamps do not extend this signer's life.
pub const LIFETIME_SIGNING: &str = "1.3.6.1.4.1.311.10.3.13";

pub const COMMON_NAME: &str = "2.5.4.3";
pub const ORGANIZATION: &str = "2.5.4.10";
pub const COUNTRY: &str = "2.5.4.6";

/// The organisation of everybody in the cast.
pub const CAST_ORGANIZATION: &str = "Sigscan Fixtures";

/// A Name of one attribute a relative name, with the strings' own tags.
pub fn name(parts: &[(&str, Der)]) -> Der {
    let relative: Vec<Der> = parts.iter().map(|(kind, value)| set(&[seq(&[oid(kind), value.clone()])])).collect();
    seq(&relative)
}

/// `C=XX, O=Sigscan Fixtures, CN=common_name`.
pub fn dn(common_name: &str) -> Der {
    dn_of(CAST_ORGANIZATION, common_name)
}

pub fn dn_of(organization: &str, common_name: &str) -> Der {
    name(&[(COUNTRY, printable("XX")), (ORGANIZATION, printable(organization)), (COMMON_NAME, printable(common_name))])
}

/// A certificate that is about to be written. Every member may be bent before [`Cert::der`].
#[derive(Clone)]
pub struct Cert {
    /// 2 is v3; `None` leaves the member out, which makes a v1 certificate.
    pub version: Option<u8>,
    /// The serial number's content octets as they will stand.
    pub serial: Vec<u8>,
    pub issuer: Der,
    pub subject: Der,
    pub not_before: Der,
    pub not_after: Der,
    pub spki: Der,
    pub exts: Vec<Der>,
    /// The key that signs, and how.
    pub signer: Key,
    pub scheme: Scheme,
    pub hash: Hash,
    /// Replaces the signature's AlgorithmIdentifier.
    pub sig_alg: Option<Der>,
    /// Flips a bit of the finished signature.
    pub broken: bool,
}

impl Cert {
    /// A self-issued and self-signed certificate without extensions, from 2000 to 2045.
    pub fn own(subject: Der, key: Key, serial: &[u8]) -> Cert {
        Cert {
            version: Some(2),
            serial: serial.to_vec(),
            issuer: subject.clone(),
            subject,
            not_before: time("20000101000000Z"),
            not_after: time("20450101000000Z"),
            spki: key.spki(),
            exts: Vec::new(),
            signer: key,
            scheme: key.scheme(),
            hash: Hash::Sha256,
            sig_alg: None,
            broken: false,
        }
    }

    /// The same certificate issued by somebody else.
    pub fn by(mut self, issuer: &Der, key: Key) -> Cert {
        self.issuer = issuer.clone();
        self.signer = key;
        self.scheme = key.scheme();
        self
    }

    pub fn valid(mut self, not_before: &str, not_after: &str) -> Cert {
        self.not_before = time(not_before);
        self.not_after = time(not_after);
        self
    }

    pub fn with(mut self, extension: Der) -> Cert {
        self.exts.push(extension);
        self
    }

    /// Drops the extensions of one type.
    pub fn without(mut self, dotted: &str) -> Cert {
        let wanted = oid(dotted);
        self.exts.retain(|extension| elements(split(extension).0)[0] != wanted);
        self
    }

    /// The certificate with this serial number and a signature of nobody's.
    pub fn der_unsigned(&self, serial: u32) -> Der {
        let algorithm = self.signer.sig_alg(self.scheme, self.hash);
        let tbs = seq(&[
            ctx(0, &int_raw(&[2])),
            int_raw(&[&[0x40], &serial.to_be_bytes()[..]].concat()),
            algorithm.clone(),
            self.issuer.clone(),
            seq(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.spki.clone(),
            ctx(3, &seq(&self.exts)),
        ]);
        seq(&[tbs, algorithm, bits(&[0x5a; 256])])
    }

    pub fn der(&self) -> Der {
        let algorithm = self.sig_alg.clone().unwrap_or_else(|| self.signer.sig_alg(self.scheme, self.hash));
        let version = self.version.map(|number| ctx(0, &int_raw(&[number]))).unwrap_or_default();
        let extensions = if self.exts.is_empty() { Der::new() } else { ctx(3, &seq(&self.exts)) };
        let tbs = seq(&[
            version,
            int_raw(&self.serial),
            algorithm.clone(),
            self.issuer.clone(),
            seq(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.spki.clone(),
            extensions,
        ]);
        let mut signature = self.signer.sign(self.scheme, self.hash, &tbs);
        if self.broken {
            let middle = signature.len() / 2;
            signature[middle] ^= 1;
        }
        seq(&[tbs, algorithm, bits(&signature)])
    }
}

/// The members of a finished TBSCertificate from serialNumber on.
fn tbs_members(cert: &[u8]) -> Vec<&[u8]> {
    let tbs = elements(split(cert).0)[0];
    let mut members = elements(split(tbs).0);
    if members[0][0] == 0xa0 {
        members.remove(0);
    }
    members
}

/// IssuerAndSerialNumber of a finished certificate (RFC 5652 §10.2.4).
pub fn issuer_and_serial(cert: &[u8]) -> Der {
    let members = tbs_members(cert);
    seq(&[members[2].to_vec(), members[0].to_vec()])
}

pub fn extension(dotted: &str, critical: bool, value: &Der) -> Der {
    let flag = if critical { boolean(true) } else { Der::new() };
    seq(&[oid(dotted), flag, octets(value)])
}

pub const EKU: &str = "2.5.29.37";
pub fn eku(usages: &[&str]) -> Der {
    extension(EKU, false, &seq(&usages.iter().map(|usage| oid(usage)).collect::<Vec<_>>()))
}
pub fn eku_critical(usages: &[&str]) -> Der {
    extension(EKU, true, &seq(&usages.iter().map(|usage| oid(usage)).collect::<Vec<_>>()))
}

/// Key usage bits by number: 0 digitalSignature, 1 nonRepudiation, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign.
pub fn key_usage(set_bits: &[u8]) -> Der {
    extension("2.5.29.15", true, &named_bits(set_bits))
}

pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub fn ca(path_len: Option<u32>) -> Der {
    let limit = path_len.map(small).unwrap_or_default();
    extension(BASIC_CONSTRAINTS, true, &seq(&[boolean(true), limit]))
}

/// BasicConstraints that says "no authority", critical.
pub fn no_ca() -> Der {
    extension(BASIC_CONSTRAINTS, true, &seq(&[]))
}

pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub fn ski(id: &[u8]) -> Der {
    extension(SUBJECT_KEY_ID, false, &octets(id))
}

pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub fn aki(id: &[u8]) -> Der {
    extension(AUTHORITY_KEY_ID, false, &seq(&[ctx_prim(0, id)]))
}

/// The authority key identifier of before X.509 v3 was settled (2.5.29.1), as makecert writes it.
pub fn aki_old(id: &[u8], issuer: &Der, serial: &[u8]) -> Der {
    extension("2.5.29.1", false, &seq(&[ctx_prim(0, id), ctx(1, &ctx(4, issuer)), ctx_prim(2, serial)]))
}

/// NameConstraints over directory names (RFC 5280 §4.2.1.10).
pub fn name_constraints(permitted: &[Der], excluded: &[Der]) -> Der {
    let subtrees = |names: &[Der]| -> Der { names.iter().flat_map(|one| seq(&[ctx(4, one)])).collect() };
    let mut parts = Vec::new();
    if !permitted.is_empty() {
        parts.push(ctx(0, &subtrees(permitted)));
    }
    if !excluded.is_empty() {
        parts.push(ctx(1, &subtrees(excluded)));
    }
    extension("2.5.29.30", true, &seq(&parts))
}

pub fn policies(dotted: &[&str]) -> Der {
    extension("2.5.29.32", false, &seq(&dotted.iter().map(|policy| seq(&[oid(policy)])).collect::<Vec<_>>()))
}

pub fn policy_mappings(pairs: &[(&str, &str)]) -> Der {
    extension("2.5.29.33", true, &seq(&pairs.iter().map(|(from, to)| seq(&[oid(from), oid(to)])).collect::<Vec<_>>()))
}

/// PolicyConstraints: requireExplicitPolicy, inhibitPolicyMapping.
pub fn policy_constraints(require: Option<u8>, inhibit: Option<u8>) -> Der {
    let member = |number: u8, value: Option<u8>| value.map(|v| ctx_prim(number, &[v])).unwrap_or_default();
    extension("2.5.29.36", true, &seq(&[member(0, require), member(1, inhibit)]))
}

pub fn inhibit_any_policy(after: u8) -> Der {
    extension("2.5.29.54", true, &int_raw(&[after]))
}

/// cRLDistributionPoints (RFC 5280 §4.2.1.13), each given by its members.
pub fn distribution_points(points: &[Der]) -> Der {
    extension(
        "2.5.29.31",
        false,
        &seq(&points.iter().map(|point| seq(std::slice::from_ref(point))).collect::<Vec<_>>()),
    )
}

/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1): nobody needs to ask whether the responder is revoked.
pub fn ocsp_no_check() -> Der {
    extension("1.3.6.1.5.5.7.48.1.5", false, &null())
}

/// A critical extension that no verifier can know: the arc is for examples.
pub fn unknown_critical() -> Der {
    extension("2.999.1", true, &null())
}

/// subjectAltName of one DNS name (RFC 5280 §4.2.1.6).
pub fn dns_name(name: &str) -> Der {
    extension("2.5.29.17", false, &seq(&[ctx_prim(2, name.as_bytes())]))
}

pub const ACCESS_OCSP: &str = "1.3.6.1.5.5.7.48.1";
pub const ACCESS_CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

/// authorityInfoAccess (RFC 5280 §4.2.2.1): access methods with URLs.
pub fn info_access(places: &[(&str, &str)]) -> Der {
    let places: Vec<Der> =
        places.iter().map(|(method, url)| seq(&[oid(method), ctx_prim(6, url.as_bytes())])).collect();
    extension("1.3.6.1.5.5.7.1.1", false, &seq(&places))
}

/// cRLDistributionPoints (RFC 5280 §4.2.1.13): one point for each URL.
pub fn crl_points(urls: &[&str]) -> Der {
    let points: Vec<Der> = urls.iter().map(|url| seq(&[ctx(0, &ctx(0, &ctx_prim(6, url.as_bytes())))])).collect();
    extension("2.5.29.31", false, &seq(&points))
}

/// Certificate-shaped things that chains never need, as installers and taggers leave them in bags.
pub fn junk(number: u8) -> Der {
    match number % 4 {
        0 => seq(&[octets(b"DUMMY CERTIFICATE"), small(u32::from(number))]),
        1 => {
            let mut old = Cert::own(dn("Version One"), Key::Rsa512, &[number | 1]);
            old.version = None;
            old.hash = Hash::Md5;
            old.der()
        }
        2 => {
            let mut cut = Cert::own(dn("Cut Short"), Key::Rsa512, &[number]).der();
            cut.truncate(90);
            tlv(0x30, &cut[4..])
        }
        _ => {
            let mut short = Cert::own(dn("Short Key"), Key::Rsa512, &[number]);
            let modulus = [0x80 | number; 49];
            let public = seq(&[uint(&modulus), small(3)]);
            short.spki = seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&public)]);
            short.der()
        }
    }
}

/// A CRL that is about to be written (RFC 5280 §5.1). Every member may be bent before [`Crl::der`].
#[derive(Clone)]
pub struct Crl {
    pub issuer: Der,
    pub key: Key,
    /// The hash that is signed.
    pub hash: Hash,
    pub this_update: &'static str,
    pub next_update: &'static str,
    pub entries: Vec<Der>,
    pub exts: Vec<Der>,
    /// Flips a bit of the finished signature.
    pub broken: bool,
}

impl Crl {
    /// A list of one year from 2026-05-01 on that names nobody.
    pub fn by(issuer: Der, key: Key) -> Crl {
        Crl {
            issuer,
            key,
            hash: Hash::Sha256,
            this_update: "20260501000000Z",
            next_update: "20270501000000Z",
            entries: Vec::new(),
            exts: Vec::new(),
            broken: false,
        }
    }

    pub fn valid(mut self, this_update: &'static str, next_update: &'static str) -> Crl {
        (self.this_update, self.next_update) = (this_update, next_update);
        self
    }

    /// Lists a serial number with entry extensions.
    pub fn lists(mut self, serial: &[u8], at: &str, extensions: &[Der]) -> Crl {
        let extensions = if extensions.is_empty() { Der::new() } else { seq(extensions) };
        self.entries.push(seq(&[int_raw(serial), time(at), extensions]));
        self
    }

    pub fn with(mut self, extension: Der) -> Crl {
        self.exts.push(extension);
        self
    }

    pub fn der(&self) -> Der {
        let algorithm = self.key.sig_alg(self.key.scheme(), self.hash);
        let tbs = seq(&[
            small(1),
            algorithm.clone(),
            self.issuer.clone(),
            time(self.this_update),
            time(self.next_update),
            if self.entries.is_empty() { Der::new() } else { seq(&self.entries) },
            if self.exts.is_empty() { Der::new() } else { ctx(0, &seq(&self.exts)) },
        ]);
        let mut signature = self.key.sign(self.key.scheme(), self.hash, &tbs);
        if self.broken {
            let middle = signature.len() / 2;
            signature[middle] ^= 1;
        }
        seq(&[tbs, algorithm, bits(&signature)])
    }
}

/// reasonCode (RFC 5280 §5.3.1).
pub fn crl_reason(code: u8) -> Der {
    extension("2.5.29.21", false, &tlv(0x0a, &[code]))
}

/// invalidityDate (RFC 5280 §5.3.2).
pub fn invalidity_date(moment: &str) -> Der {
    extension("2.5.29.24", false, &generalized_time(moment))
}

/// certificateIssuer (RFC 5280 §5.3.3): this entry and those after it are of that issuer.
pub fn certificate_issuer(name: &Der) -> Der {
    extension("2.5.29.29", true, &seq(&[ctx(4, name)]))
}

pub fn crl_number(number: u8) -> Der {
    extension("2.5.29.20", false, &int_raw(&[number]))
}

/// deltaCRLIndicator (RFC 5280 §5.2.4).
pub fn delta_of(number: u8) -> Der {
    extension("2.5.29.27", true, &int_raw(&[number]))
}

/// issuingDistributionPoint (RFC 5280 §5.2.5) with one of its members set.
pub fn distribution_point(member: &Der) -> Der {
    extension("2.5.29.28", true, &seq(std::slice::from_ref(member)))
}
