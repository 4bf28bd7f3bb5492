//! Which certificates, and which reasons, a list is about: its issuing distribution point against the distribution points
//! that a certificate names.

use super::{CertificateList, directory_names};
use crate::asn1::{Error, ErrorKind, Reader, oid_to_string, oids, tag};
use crate::x509::{Certificate, normalised_name, same_name};

/// A set of reasons as in ReasonFlags, bit n for reason n. Source: RFC 5280 section 4.2.1.13.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Reasons = Reasons(0);
    /// Every reason: bits 1 (keyCompromise) to 8 (aACompromise), bit 0 is unused.
    pub const ALL: Reasons = Reasons(0x01fe);

    /// Reads the content octets of a BIT STRING; unknown bits count for nothing.
    fn read(content: &[u8]) -> Reasons {
        let bits = content.iter().skip(1).take(2).chain([0, 0].iter()).take(2);
        let flags = bits.fold(0u16, |flags, octet| (flags << 8) | u16::from(*octet));
        // The first bit of a BIT STRING is its highest.
        Reasons(flags.reverse_bits() & Reasons::ALL.0)
    }

    /// Reasons in either.
    #[must_use]
    pub fn or(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    /// Reasons in both.
    #[must_use]
    pub fn and(self, other: Reasons) -> Reasons {
        Reasons(self.0 & other.0)
    }
}

/// What a list covers, as far as its extensions say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Lists changes since the CRL of this number only (deltaCRLIndicator, content octets).
    pub delta: Option<&'a [u8]>,
    /// Lists certificates of other issuers too (indirectCRL).
    pub indirect: bool,
    /// Covers attribute certificates only.
    pub attribute_only: bool,
    /// Covers these reasons.
    pub reasons: Reasons,
    /// Covers end entities only.
    pub user_only: bool,
    /// Covers CAs only.
    pub ca_only: bool,
    /// The distribution point that it belongs to.
    pub distribution_point: Option<PointName<'a>>,
    /// A critical extension that is not understood, or one that cannot be read.
    pub unknown_critical: Option<String>,
    /// The issuing distribution point as it stands: a delta and its base have the same one.
    pub raw: Option<&'a [u8]>,
}

/// `DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RelativeDistinguishedName }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointName<'a> {
    /// GeneralName elements.
    Full(Vec<&'a [u8]>),
    /// Content of the RelativeDistinguishedName.
    Relative(&'a [u8]),
}

/// One of the places where a certificate says that its revocation is published.
///
/// ```text
/// DistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL, reasons [1] ReasonFlags
///   OPTIONAL, cRLIssuer [2] GeneralNames OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPoint<'a> {
    /// Where.
    pub name: Option<PointName<'a>>,
    /// For which reasons.
    pub reasons: Reasons,
    /// Name elements of whoever makes the list, where that is not the certificate's issuer.
    pub crl_issuers: Vec<&'a [u8]>,
}

/// Points beyond this many in one certificate are not looked at.
const MAX_POINTS: usize = 64;

/// A point with more names than this, or more issuers, cannot be read: honest ones have one or two, and the names of every
/// list are compared with those of every certificate.
const MAX_NAMES: usize = 64;

impl<'a> CertificateList<'a> {
    /// What the list covers. Source: RFC 5280 sections 5.2.4 and 5.2.5.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        const KNOWN: &[&[u8]] = &[
            oids::AUTHORITY_KEY_IDENTIFIER,
            oids::ISSUER_ALT_NAME,
            oids::CRL_NUMBER,
            oids::DELTA_CRL_INDICATOR,
            oids::ISSUING_DISTRIBUTION_POINT,
            oids::FRESHEST_CRL,
            oids::AUTHORITY_INFO_ACCESS,
        ];
        let mut scope = Scope {
            delta: None,
            indirect: false,
            attribute_only: false,
            reasons: Reasons::ALL,
            user_only: false,
            ca_only: false,
            distribution_point: None,
            unknown_critical: None,
            raw: None,
        };
        let unknown = self.extensions.iter().find(|e| e.critical && !KNOWN.contains(&e.oid));
        scope.unknown_critical = unknown.map(|extension| oid_to_string(extension.oid));
        if let Some(extension) = self.extension(oids::DELTA_CRL_INDICATOR) {
            let number = Reader::new(extension.value).expect(tag::INTEGER).map(|number| number.content);
            scope.delta = Some(number.unwrap_or_default());
            if number.is_err() {
                scope.unknown_critical.get_or_insert_with(|| oid_to_string(extension.oid));
            }
        }
        if let Some(extension) = self.extension(oids::ISSUING_DISTRIBUTION_POINT) {
            scope.raw = Some(extension.value);
            if issuing_distribution_point(extension.value, &mut scope).is_err() {
                scope.unknown_critical.get_or_insert_with(|| oid_to_string(extension.oid));
            }
        }
        scope
    }
}

/// ```text
/// IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL,
///   onlyContainsUserCerts [1], onlyContainsCACerts [2], onlySomeReasons [3], indirectCRL [4],
///   onlyContainsAttributeCerts [5] }
/// ```
fn issuing_distribution_point<'a>(value: &'a [u8], scope: &mut Scope<'a>) -> Result<(), Error> {
    let mut fields = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(field) = fields.next()? {
        let set = field.content.iter().any(|octet| *octet != 0);
        match field.tag & 0x1f {
            0 => scope.distribution_point = Some(point_name(Reader::new(field.content))?),
            1 => scope.user_only = set,
            2 => scope.ca_only = set,
            3 => scope.reasons = Reasons::read(field.content),
            4 => scope.indirect = set,
            5 => scope.attribute_only = set,
            _ => return Err(field.error(ErrorKind::BadValue)),
        }
    }
    Ok(())
}

fn point_name<'a>(mut reader: Reader<'a>) -> Result<PointName<'a>, Error> {
    const FULL: u8 = tag::context_constructed(0);
    const RELATIVE: u8 = tag::context_constructed(1);
    let name = reader.any()?;
    match name.tag {
        FULL => {
            let (mut names, mut items) = (Vec::new(), name.children());
            while let Some(item) = items.next()? {
                if names.len() >= MAX_NAMES {
                    return Err(item.error(ErrorKind::BadValue));
                }
                names.push(item.raw);
            }
            Ok(PointName::Full(names))
        }
        RELATIVE => Ok(PointName::Relative(name.content)),
        found => Err(name.error(ErrorKind::UnexpectedTag { expected: FULL, found })),
    }
}

/// The certificate's distribution points, and none where they cannot be read. Source: RFC 5280 section 4.2.1.13.
#[must_use]
pub fn distribution_points<'a>(certificate: &Certificate<'a>) -> Vec<DistributionPoint<'a>> {
    let extension = certificate.extension(oids::CRL_DISTRIBUTION_POINTS);
    extension.and_then(|extension| read_points(extension.value).ok()).unwrap_or_default()
}

fn read_points(value: &[u8]) -> Result<Vec<DistributionPoint<'_>>, Error> {
    let mut found = Vec::new();
    let mut points = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(point) = points.next()?.filter(|_| found.len() < MAX_POINTS) {
        let mut fields = point.children();
        let name = match fields.optional(tag::context_constructed(0))? {
            Some(wrapper) => Some(point_name(wrapper.children())?),
            None => None,
        };
        let reasons = fields.optional(tag::context(1))?.map_or(Reasons::ALL, |flags| Reasons::read(flags.content));
        let issuers = fields.optional(tag::context_constructed(2))?;
        let crl_issuers = issuers.map(|names| directory_names(names.children())).unwrap_or_default();
        if crl_issuers.len() > MAX_NAMES {
            return Err(point.error(ErrorKind::BadValue));
        }
        found.push(DistributionPoint { name, reasons, crl_issuers });
    }
    Ok(found)
}

impl Scope<'_> {
    /// For which reasons a list of this scope and issuer answers for a certificate (RFC 5280 section 6.3.3 (b) to (e));
    /// `points` are the certificate's own.
    ///
    /// # Errors
    /// Why it does not answer at all, for a person.
    pub fn covers(
        &self,
        list_issuer: &[u8],
        certificate: &Certificate<'_>,
        points: &[DistributionPoint<'_>],
    ) -> Result<Reasons, &'static str> {
        let is_ca = certificate.basic_constraints().is_some_and(|basic| basic.is_ok_and(|basic| basic.ca));
        match () {
            () if self.attribute_only => return Err("it covers attribute certificates only"),
            () if self.user_only && is_ca => return Err("it covers end entities only"),
            () if self.ca_only && !is_ca => return Err("it covers CAs only"),
            () => {}
        }
        let own = same_name(list_issuer, certificate.issuer);
        // A list at none of the points: as if one of the issuer's own name were among them (the section's last paragraph).
        let name = directory_name(certificate.issuer);
        let assumed = DistributionPoint {
            name: Some(PointName::Full(vec![&name])),
            reasons: Reasons::ALL,
            crl_issuers: Vec::new(),
        };
        let fits = |point: &&DistributionPoint<'_>| match point.crl_issuers.as_slice() {
            [] => own && self.is_at(point.name.as_ref(), &[], list_issuer),
            issuers => {
                let by = issuers.iter().any(|issuer| same_name(issuer, list_issuer));
                by && self.indirect && self.is_at(point.name.as_ref(), issuers, list_issuer)
            }
        };
        let mut fitting = points.iter().chain([&assumed]).filter(fits).peekable();
        if fitting.peek().is_none() {
            return Err("it belongs to another distribution point");
        }
        Ok(fitting.fold(Reasons::NONE, |sum, point| sum.or(point.reasons)).and(self.reasons))
    }

    /// Whether a point's names, or without them the names of its cRLIssuer, have one in common with the list's.
    fn is_at(&self, point: Option<&PointName<'_>>, crl_issuers: &[&[u8]], list_issuer: &[u8]) -> bool {
        let Some(own) = &self.distribution_point else { return true };
        let own = expanded(own, list_issuer);
        let others = match point {
            Some(point) => expanded(point, crl_issuers.first().unwrap_or(&list_issuer)),
            None => crl_issuers.iter().map(|issuer| comparable(&directory_name(issuer))).collect(),
        };
        own.iter().any(|name| others.contains(name))
    }
}

/// Names in a form in which equal ones have equal octets, relative ones under their base.
fn expanded(name: &PointName<'_>, base: &[u8]) -> Vec<Vec<u8>> {
    match name {
        PointName::Full(names) => names.iter().map(|name| comparable(name)).collect(),
        PointName::Relative(attributes) => {
            let Ok(base) = Reader::new(base).expect(tag::SEQUENCE) else { return Vec::new() };
            let relative = element(tag::SET, &[attributes]);
            vec![comparable(&directory_name(&element(tag::SEQUENCE, &[base.content, &relative])))]
        }
    }
}

/// `directoryName [4] Name`.
fn directory_name(name: &[u8]) -> Vec<u8> {
    element(tag::context_constructed(4), &[name])
}

/// A GeneralName element: a directoryName by its meaning, every other kind as it stands.
fn comparable(name: &[u8]) -> Vec<u8> {
    let mut names = directory_names(Reader::new(name));
    match names.pop() {
        Some(name) => normalised_name(name).into_owned(),
        None => name.to_vec(),
    }
}

use crate::asn1::element;
