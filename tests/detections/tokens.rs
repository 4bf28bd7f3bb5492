//! Words, quoted text, numbers and signs of a query language.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name or a keyword, with its dots and a leading `@`, `#` or `_`.
    Word(String),
    /// Text in quotes: which, and what.
    Quoted(char, String),
    /// A number, or a span of time as `1d`.
    Number(String),
    /// An operator, a bracket or a separator.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 20] =
    [":=", "==", "!=", "<=", ">=", "=~", "|", "(", ")", "[", "]", ",", ":", "=", "<", ">", "-", "*", "+", ";"];

/// Takes a query apart.
///
/// # Errors
/// The character that belongs to nothing, or a quote without an end.
pub fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if matches!(first, '"' | '\'') {
            let (text, behind) =
                rest[1..].split_once(first).ok_or_else(|| format!("a quote without an end: {rest}"))?;
            if text.contains(['\\', '\n']) {
                return Err(format!("a quoted text that this reader does not understand: {text}"));
            }
            found.push(Token::Quoted(first, text.to_owned()));
            rest = behind;
        } else if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            found.push(Token::Number(rest[..length].to_owned()));
            rest = &rest[length..];
        } else if first.is_ascii_alphabetic() || matches!(first, '@' | '#' | '_') {
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            let length = rest[1..].find(|c: char| !inside(c)).map_or(rest.len(), |end| end + 1);
            found.push(Token::Word(rest[..length].to_owned()));
            rest = &rest[length..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(format!("what is {rest:?}?"));
        }
    }
    Ok(found)
}
