//! From blobs to the tree of signatures: primary, further table entries, and nested ones at every level.

use crate::asn1::{Error, Oid, oids};
use crate::cms::catalog::CatalogList;
use crate::cms::spc::SpcIndirectData;
use crate::cms::{SignedData, SignerInfo};
use crate::container::{Blob, Covers};

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

impl ParsedSignature<'_> {
    /// Why its structure is not that of Authenticode, whether or not it could be read.
    #[must_use]
    pub fn problem(&self) -> Option<&Malformed> {
        self.body.as_ref().map_or_else(Some, |body| body.unsound.as_ref())
    }
}

/// A signature whose structure is that of Authenticode.
#[derive(Debug)]
pub struct SignatureBody<'a> {
    /// The SignedData.
    pub data: SignedData<'a>,
    /// Its only SignerInfo.
    pub signer: SignerInfo<'a>,
    /// What was signed.
    pub content: SignedContent<'a>,
    /// Why a decoder of the whole PKCS#7 refuses it although everything that was signed can be read.
    pub unsound: Option<Malformed>,
}

/// The content of a signature, which is what its format demands and nothing else: a list of digests in the
/// certificate table of a program vouches for that program as little as a program's digest in a catalog would.
#[derive(Debug)]
pub enum SignedContent<'a> {
    /// The digest of the file around it.
    File(SpcIndirectData<'a>),
    /// A catalog's list of the digests of other files.
    Catalog(CatalogList<'a>),
}

impl<'a> SignedContent<'a> {
    fn parse(data: &SignedData<'a>, covers: Covers, offset: usize) -> Result<SignedContent<'a>, (String, usize)> {
        let (wanted, name) = match covers {
            Covers::File => (oids::SPC_INDIRECT_DATA, "SpcIndirectDataContent"),
            Covers::Itself => (oids::MS_CTL, "a list"),
        };
        if data.content_type != wanted {
            let found = crate::asn1::oid_to_string(data.content_type);
            return Err((format!("the signed content is {found}, not {name}"), offset));
        }
        let Some(content) = data.content else { return Err(("the signed content is missing".to_owned(), offset)) };
        let parsed = match covers {
            Covers::File => SpcIndirectData::parse(content).map(SignedContent::File),
            Covers::Itself => CatalogList::parse(content).map(SignedContent::Catalog),
        };
        parsed.map_err(|error| (error.to_string(), error.offset))
    }

    /// The content's type.
    #[must_use]
    pub fn kind(&self) -> Oid<'static> {
        match self {
            SignedContent::File(_) => oids::SPC_INDIRECT_DATA,
            SignedContent::Catalog(_) => oids::MS_CTL,
        }
    }

    /// The octets that the messageDigest attribute covers.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        match self {
            SignedContent::File(indirect) => indirect.content,
            SignedContent::Catalog(list) => list.content,
        }
    }

    /// The digest of the file around it, if that is what was signed.
    #[must_use]
    pub fn file(&self) -> Option<&SpcIndirectData<'a>> {
        match self {
            SignedContent::File(indirect) => Some(indirect),
            SignedContent::Catalog(_) => None,
        }
    }
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
pub fn parse_tree(blobs: &[Blob], covers: Covers) -> (Vec<ParsedSignature<'_>>, bool) {
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
            let body = parse(bytes, offset, blob.offset, covers);
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

fn parse(bytes: &[u8], offset: usize, blob_offset: u64, covers: Covers) -> Result<SignatureBody<'_>, Malformed> {
    let place = |at: usize| blob_offset.saturating_add(at as u64);
    let delimited = |error: Error| Malformed { message: error.to_string(), offset: place(error.offset) };
    let refuse = |message: String, at: usize| Malformed { message, offset: place(at) };
    let mut data = SignedData::parse(bytes, offset).map_err(delimited)?;
    let content = SignedContent::parse(&data, covers, offset).map_err(|(message, at)| refuse(message, at))?;
    if data.signer_count != 1 {
        let message = format!("{} SignerInfos where Authenticode has one", data.signer_count);
        return Err(refuse(message, offset));
    }
    let Some(signer) = data.signers.pop() else { return Err(refuse("no SignerInfo".to_owned(), offset)) };
    let foreign = content.file().filter(|content| !content.is_of_pe());
    let foreign = foreign.map(|content| {
        let kind = crate::asn1::oid_to_string(content.data_type);
        refuse(format!("what was signed is a file of another kind ({kind})"), offset)
    });
    let unsound = foreign.or_else(|| data.unsound.or(signer.unsound()).map(delimited));
    Ok(SignatureBody { data, signer, content, unsound })
}
