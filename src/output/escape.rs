//! TMP
/// TMP
#[must_use]
pub fn for_terminal(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).collect()
}
