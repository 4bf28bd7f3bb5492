//! SignedData, SignerInfo, attributes, SPC structures and timestamps: views over the original bytes.
//!
//! Sources: RFC 5652 (CMS), RFC 2315 (PKCS#7 1.5, whose content is not an OCTET STRING), Microsoft
//! "Windows Authenticode Portable Executable Signature Format", RFC 3161.

mod attribute;
pub mod catalog;
mod signed_data;
mod signer_info;
mod signing_certificate;
pub mod spc;
pub mod timestamp;

pub use attribute::{Attribute, AttributeSet};
pub use signed_data::{MAX_CERTIFICATES, SignedData};
pub use signer_info::{SignerId, SignerInfo};
pub use signing_certificate::SigningCertificate;
