//! Delimiting hostile ASN.1.
//!
//! This room answers one question, "which bytes belong to which element", for BER and DER alike, and keeps
//! every original span: what is hashed is always the bytes as they stand in the file. It decodes no types
//! beyond the few that delimiting itself needs (OBJECT IDENTIFIER octets, INTEGER octets, times, strings).
//!
//! Bounds: no recursion, no allocation but for constructed strings, indefinite lengths are followed to
//! [`MAX_DEPTH`] levels, and no element reaches beyond the slice it was read from.
//!
//! Source: ITU-T X.690 (2021), section 8 (BER) and 10 (DER restrictions, reported and not required).

mod oid;
pub mod oids;
mod reader;
mod string;
mod time;
mod write;

pub use oid::{Oid, is_well_formed_oid, oid_from_text, oid_to_string};
pub use reader::{Element, Error, ErrorKind, MAX_DEPTH, MAX_STRING_DEPTH, Reader, tag};
pub use string::{bmp_to_string, decode_string};
pub use time::{Stamped, Time, decode_gen_time, decode_signing_time, decode_time};
pub use write::element;
