//! Where a certificate says that more about it is to be found: its issuer, revocation lists, OCSP responders.
//!
//! URLs are given as they stand; whether one may be asked is not this room's business.

use super::Certificate;
use crate::asn1::{Element, Oid, Reader, oids, tag};

/// URLs of one kind that are read from one certificate; real ones have one or two.
const MAX_URLS: usize = 8;

/// uniformResourceIdentifier `[6] IA5String` of GeneralName (RFC 5280 section 4.2.1.6).
const URI: u8 = tag::context(6);

impl<'a> Certificate<'a> {
    /// Where certificates of its issuer are (caIssuers of authorityInfoAccess, RFC 5280 section 4.2.2.1).
    #[must_use]
    pub fn issuer_urls(&self) -> Vec<&'a str> {
        self.access_urls(oids::ACCESS_CA_ISSUERS)
    }

    /// Where its OCSP responders are (RFC 5280 section 4.2.2.1).
    #[must_use]
    pub fn ocsp_urls(&self) -> Vec<&'a str> {
        self.access_urls(oids::ACCESS_OCSP)
    }

    /// Where its revocation lists are, in the order of its distribution points.
    ///
    /// ```text
    /// CRLDistributionPoints ::= SEQUENCE OF DistributionPoint
    /// DistributionPoint ::= SEQUENCE { distributionPoint [0] CHOICE { fullName [0] GeneralNames, ... } OPTIONAL, ... }
    /// ```
    /// Source: RFC 5280 section 4.2.1.13.
    #[must_use]
    pub fn crl_urls(&self) -> Vec<&'a str> {
        let mut found = Vec::new();
        let Some(extension) = self.extension(oids::CRL_DISTRIBUTION_POINTS) else { return found };
        let Ok(list) = Reader::new(extension.value).expect(tag::SEQUENCE) else { return found };
        let mut points = list.children();
        while let Ok(Some(point)) = points.next() {
            let name = |parent: &Element<'a>| parent.children().optional(tag::context_constructed(0)).ok().flatten();
            let Some(full) = name(&point).and_then(|point| name(&point)) else { continue };
            let mut names = full.children();
            while let (Ok(Some(name)), true) = (names.next(), found.len() < MAX_URLS) {
                found.extend(uri(&name));
            }
        }
        found
    }

    /// ```text
    /// AuthorityInfoAccessSyntax ::= SEQUENCE OF AccessDescription
    /// AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
    /// ```
    fn access_urls(&self, method: Oid<'_>) -> Vec<&'a str> {
        let mut found = Vec::new();
        let Some(extension) = self.extension(oids::AUTHORITY_INFO_ACCESS) else { return found };
        let Ok(list) = Reader::new(extension.value).expect(tag::SEQUENCE) else { return found };
        let mut items = list.children();
        while let Ok(Some(item)) = items.next() {
            let mut fields = item.children();
            let named = fields.expect(tag::OID).is_ok_and(|oid| oid.content == method);
            let location = fields.next().ok().flatten().filter(|_| named);
            found.extend(location.and_then(|location| uri(&location)));
            if found.len() >= MAX_URLS {
                break;
            }
        }
        found
    }
}

fn uri<'a>(name: &Element<'a>) -> Option<&'a str> {
    std::str::from_utf8(name.content).ok().filter(|_| name.tag == URI)
}
