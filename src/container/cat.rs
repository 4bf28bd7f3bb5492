//! Security catalogs: the whole file is one PKCS#7, and what it vouches for is the list inside it.
//!
//! Windows' documentation does not say what may follow the PKCS#7. Its signing tools write nothing; zeros can hide
//! nothing and are an anomaly; anything else is not part of a catalog, was not signed, and makes it malformed.

use std::io;

use super::source::{Source, read_up_to};
use super::{Blob, Container, ContainerLimits, Covers, Format, HashedRegions, Presence, Subject, Tail};
use crate::anomaly::Anomaly;
use crate::asn1::{Element, Error, Reader, tag};

/// The catalog container.
#[derive(Debug, Clone, Copy)]
pub struct Cat;

impl Container for Cat {
    fn format(&self) -> Format {
        Format::Cat
    }

    fn open(&self, source: &dyn Source, limits: &ContainerLimits) -> io::Result<Subject> {
        let mut anomalies = Vec::new();
        let signatures = read(source, limits, &mut anomalies)?;
        Ok(Subject { signatures, covers: Covers::Itself, regions: HashedRegions::default(), pe: None, anomalies })
    }
}

fn read(source: &dyn Source, limits: &ContainerLimits, anomalies: &mut Vec<Anomaly>) -> io::Result<Presence> {
    // One byte more than the limit tells a file that is too long from one that just fits.
    let wanted = usize::try_from(limits.signature_size.saturating_add(1)).unwrap_or(usize::MAX);
    let mut bytes = read_up_to(source, 0, wanted)?;
    let malformed = |message: String, offset, salvaged| Presence::Malformed { message, offset, salvaged };
    let (end, unsigned) = match Reader::new(&bytes).any() {
        Ok(element) => (element.raw.len(), no_signers(&element).unwrap_or(false)),
        Err(_) if bytes.len() == wanted => {
            let message = format!("the catalog exceeds the limit of {} bytes for a signature", limits.signature_size);
            return Ok(Presence::Limit { message });
        }
        Err(error) => return Ok(malformed(error.to_string(), error.offset as u64, Vec::new())),
    };
    let behind = end as u64;
    let stray = bytes.get(end..).unwrap_or(&[]).iter().position(|octet| *octet != 0);
    let whole = bytes.len() as u64 >= source.len();
    bytes.truncate(end);
    let blobs = vec![Blob { bytes, offset: 0, entry: None, tail: Tail::default() }];
    let extra = source.len().saturating_sub(behind);
    if let Some(at) = stray {
        let message = format!("{extra} bytes that are not all zero follow the catalog");
        return Ok(malformed(message, behind.saturating_add(at as u64), blobs));
    }
    if !whole {
        let limit = limits.signature_size;
        let message = format!("the catalog and what follows it exceed the limit of {limit} bytes for a signature");
        return Ok(Presence::Limit { message });
    }
    if extra > 0 {
        anomalies.push(Anomaly::at("zeros-after-catalog", format!("{extra} zero bytes follow the catalog"), behind));
    }
    Ok(if unsigned { Presence::None } else { Presence::Blobs(blobs) })
}

/// Whether the place of the signers is there, empty, and the last element of SignedData: a catalog that nobody signed yet.
fn no_signers(outer: &Element<'_>) -> Result<bool, Error> {
    let mut fields = outer.children();
    fields.expect(tag::OID)?;
    let mut parts = fields.any()?.children().any()?.children();
    parts.expect(tag::INTEGER)?;
    parts.expect(tag::SET)?;
    parts.expect(tag::SEQUENCE)?;
    parts.optional(tag::context_constructed(0))?;
    parts.optional(tag::context_constructed(1))?;
    let signers = parts.expect(tag::SET)?;
    Ok(signers.content.is_empty() && parts.is_empty())
}
