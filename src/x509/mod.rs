//! Certificates, names, extensions and trust lists: views over the original bytes.
//!
//! Nothing here judges. A certificate that does not decode is a value with an error, and never hurts another.

mod certificate;
pub mod crl;
pub mod ctl;
mod extensions;
mod locations;
mod name;
mod name_constraints;
pub mod ocsp;
mod policies;
mod spelling;
mod text;

pub use certificate::{Certificate, Extension, MAX_EXTENSIONS, integer_octets, serial_to_hex, significant_octets};
pub use extensions::{BasicConstraints, KeyUsage};
pub use name::{Name, display_name, folded_common_name, name_attribute, normalised_name, same_name};
pub use name_constraints::{ConstraintViolation, check_name_constraints, name_octets};
pub use policies::{MAX_POLICIES, PolicyConstraints, Unreadable};
pub use text::{CertificateText, key_text, usage_text};
