//! Untrusted text, made harmless for the place where it is shown.
//!
//! A path or a certificate's name is whatever its author wanted it to be: it may clear the screen, turn the
//! direction of writing so that `gpj.exe` reads `exe.jpg`, hide characters, or start a formula in a spreadsheet.

use std::borrow::Cow;
use std::fmt::Write;

pub use crate::hidden::is_hidden;

/// Text for a terminal: what would control the terminal or stay invisible becomes `\x1b` or `\u{202e}`.
///
/// A backslash stands as it is, because Windows paths are full of them: the result is for eyes, not for parsing.
#[must_use]
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().saturating_add(16));
    for character in text.chars() {
        match u32::from(character) {
            _ if !is_hidden(character) => shown.push(character),
            code @ ..=0xff => {
                let _ = write!(shown, "\\x{code:02x}");
            }
            code => {
                let _ = write!(shown, "\\u{{{code:x}}}");
            }
        }
    }
    Cow::Owned(shown)
}

/// Text for a cell of a table that may be opened in a spreadsheet: hidden characters as for a terminal, and an
/// apostrophe before anything that a spreadsheet would take for a formula. Quoting is left to the writer.
/// Source: OWASP, CSV Injection.
#[must_use]
pub fn for_csv(text: &str) -> Cow<'_, str> {
    let shown = for_terminal(text);
    if starts_a_formula(text) { Cow::Owned(format!("'{shown}")) } else { shown }
}

/// Spreadsheets drop what is blank or invisible in front, and read full-width signs like plain ones.
fn starts_a_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let first = text.chars().find(|character| !character.is_whitespace() && !is_hidden(*character));
    first.is_some_and(|first| matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed_and_unchanged() {
        for text in ["", "C:\\Windows\\notepad.exe", "Société Générale S.A.", "株式会社", "a b = c", "😀"] {
            assert!(matches!(for_terminal(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_terminal_gets_no_control_characters_and_nothing_invisible() {
        let cases = [
            ("\u{1b}[2J\u{1b}]0;owned\u{7}", "\\x1b[2J\\x1b]0;owned\\x07"),
            ("two\r\nlines\tand\u{b}more\u{c}", "two\\x0d\\x0alines\\x09and\\x0bmore\\x0c"),
            ("\u{7f}\u{80}\u{9b}31m", "\\x7f\\x80\\x9b31m"),
            ("a\u{ad}b", "a\\xadb"),
            ("\u{202e}gpj.exe\u{202c}", "\\u{202e}gpj.exe\\u{202c}"),
            ("\u{202a}\u{202b}\u{202d}", "\\u{202a}\\u{202b}\\u{202d}"),
            ("\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2066}\\u{2067}\\u{2068}\\u{2069}"),
            ("\u{200e}\u{200f}\u{61c}", "\\u{200e}\\u{200f}\\u{61c}"),
            ("Micro\u{200b}soft\u{200d}\u{feff}", "Micro\\u{200b}soft\\u{200d}\\u{feff}"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("\u{2060}\u{2064}\u{3164}\u{fff9}", "\\u{2060}\\u{2064}\\u{3164}\\u{fff9}"),
            ("\u{e0001}\u{e0041}\u{e007f}", "\\u{e0001}\\u{e0041}\\u{e007f}"),
        ];
        for (text, shown) in cases {
            assert_eq!(for_terminal(text), shown);
        }
        for code in 0..=u32::from(char::MAX) {
            let Some(character) = char::from_u32(code) else { continue };
            let shown = for_terminal(character.encode_utf8(&mut [0; 4])).into_owned();
            assert!(!shown.chars().any(is_hidden), "{code:x}");
            assert!(!shown.is_empty(), "{code:x}");
        }
    }

    #[test]
    fn a_spreadsheet_gets_no_formula() {
        let cases = [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1+1", "'+1+1"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\\x09=1"),
            ("\r=1", "'\\x0d=1"),
            ("\tplain", "'\\x09plain"),
            ("   =1", "'   =1"),
            ("\u{a0}\u{3000}=1", "'\u{a0}\u{3000}=1"),
            ("\u{200b}=1", "'\\u{200b}=1"),
            ("\u{feff}@1", "'\\u{feff}@1"),
            ("＝1", "'＝1"),
            (" ＋1", "' ＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("a=b", "a=b"),
            ("dir/-x.exe", "dir/-x.exe"),
            ("", ""),
            ("say \"hi\", twice", "say \"hi\", twice"),
        ];
        for (text, cell) in cases {
            assert_eq!(for_csv(text), cell, "{text:?}");
        }
    }
}
