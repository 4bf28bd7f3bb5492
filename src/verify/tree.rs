//! From blobs to the tree of signatures: primary, further table entries, and nested ones at every level.

use crate::asn1::{Error, oids};
use crate::cms::spc::SpcIndirectData;
use crate::cms::{SignedData, SignerInfo};
use crate::container::Blob;

/// Signatures beyond this many in one file are not read. Real files have at most three.
pub const MAX_SIGNATURES: usize = 32;

/// One signature of a file.
#[derive(Debug)]
pub struct ParsedSignature<'a> {
    /// Index of the blob that holds it.
    pub blob: usize,
    /// Index of the signature that it is nested in.
    pub parent: Option<usize>,
    /// 0 for a table entry, 1 for a signature nested in one, and so on.
    pub level: usize,
    /// Offset in the file.
    pub offset: u64,
    /// What could be read.
    pub body: Result<SignatureBody<'a>, Malformed>,
}

/// A signature whose structure is that of Authenticode.
#[derive(Debug)]
pub struct SignatureBody<'a> {
    /// The SignedData.
    pub data: SignedData<'a>,
    /// Its only SignerInfo.
    pub signer: SignerInfo<'a>,
    /// What was signed.
    pub indirect: SpcIndirectData<'a>,
}

/// Why a signature's structure is not that of Authenticode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// For a person.
    pub message: String,
    /// Offset in the file.
    pub offset: u64,
}

/// Parses every signature of the blobs. The second value is true when there were more than [`MAX_SIGNATURES`].
#[must_use]
pub fn parse_tree(blobs: &[Blob]) -> (Vec<ParsedSignature<'_>>, bool) {
    let mut tree: Vec<ParsedSignature<'_>> = Vec::new();
    let mut truncated = false;
    for (index, blob) in blobs.iter().enumerate() {
        // A work list and no recursion: nesting is the attacker's to choose.
        let mut work: Vec<(&[u8], usize, Option<usize>, usize)> = vec![(&blob.bytes, 0, None, 0)];
        let mut at = 0usize;
        while let Some((bytes, offset, parent, level)) = work.get(at).copied() {
            at = at.saturating_add(1);
            if tree.len() >= MAX_SIGNATURES {
                truncated = true;
                break;
            }
            let body = parse(bytes, offset, blob.offset);
            let this = tree.len();
            if let Ok(body) = &body {
                for (bytes, offset) in nested(&body.signer) {
                    work.push((bytes, offset, Some(this), level.saturating_add(1)));
                }
            }
            let offset = blob.offset.saturating_add(offset as u64);
            tree.push(ParsedSignature { blob: index, parent, level, offset, body });
        }
    }
    (tree, truncated)
}

/// The values of the nested-signature attribute: bytes and their offset in the blob.
fn nested<'a>(signer: &SignerInfo<'a>) -> Vec<(&'a [u8], usize)> {
    let mut found = Vec::new();
    let Some(attributes) = &signer.unsigned_attributes else { return found };
    for attribute in attributes.all(oids::NESTED_SIGNATURE) {
        let mut values = attribute.values();
        while let Ok(Some(value)) = values.next() {
            found.push((value.raw, value.offset));
            if found.len() > MAX_SIGNATURES {
                return found;
            }
        }
    }
    found
}

fn parse(bytes: &[u8], offset: usize, blob_offset: u64) -> Result<SignatureBody<'_>, Malformed> {
    let place = |at: usize| blob_offset.saturating_add(at as u64);
    let delimited = |error: Error| Malformed { message: error.to_string(), offset: place(error.offset) };
    let refuse = |message: &str, at: usize| Err(Malformed { message: message.to_owned(), offset: place(at) });
    let mut data = SignedData::parse(bytes, offset).map_err(delimited)?;
    if data.content_type != oids::SPC_INDIRECT_DATA {
        let found = crate::asn1::oid_to_string(data.content_type);
        return refuse(&format!("the signed content is {found}, not SpcIndirectDataContent"), offset);
    }
    let Some(content) = data.content else { return refuse("the signed content is missing", offset) };
    let indirect = SpcIndirectData::parse(content).map_err(delimited)?;
    if data.signer_count != 1 {
        return refuse(&format!("{} SignerInfos where Authenticode has one", data.signer_count), offset);
    }
    let Some(signer) = data.signers.pop() else { return refuse("no SignerInfo", offset) };
    Ok(SignatureBody { data, signer, indirect })
}
