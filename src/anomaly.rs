//! What was odd but harmless: noted with its place, never a reason by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a strict reader would object to and that changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anomaly {
    /// Stable kebab-case code.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// Byte offset in the file, or in the signature when the place within the file is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// The code of a signature that was made over the sections in order, with what lies between them left out.
pub(crate) const SIGNED_BY_SECTION: &str = "signed-by-section";

/// The code of a signature that says that it was made for another kind of file.
pub(crate) const FOREIGN_CONTENT: &str = "foreign-content";

impl Anomaly {
    /// An anomaly without a place.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Anomaly { code: code.to_owned(), message: message.into(), offset: None }
    }

    /// An anomaly at a byte offset.
    pub fn at(code: &str, message: impl Into<String>, offset: u64) -> Self {
        Anomaly { code: code.to_owned(), message: message.into(), offset: Some(offset) }
    }
}
