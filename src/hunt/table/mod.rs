//! Every kind of finding, once: what `sigscan explain` prints, what the page of all findings is made from, and what a
//! finding carries into records.

mod cross;
mod single;

use crate::record::{Confidence, Severity};

/// One kind of finding.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The stable code in records.
    pub code: &'static str,
    /// Its title.
    pub title: &'static str,
    /// How bad it is at most; a finding may say less, never more.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// ATT&CK techniques.
    pub attack: &'static [&'static str],
    /// When it is given, in a sentence.
    pub condition: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub todo: &'static str,
    /// What else it may be.
    pub false_positives: &'static str,
    /// Where to read more.
    pub references: &'static [&'static str],
}

const MASQUERADING: &str = "T1036.001";
const CODE_SIGNING: &str = "T1553.002";
const CERTIFICATES: &str = "T1587.002";

/// All findings in the order of their codes: those that start with S concern one file, those with X several.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    single::ROWS.iter().chain(cross::ROWS)
}

/// The row of a code, whatever its case.
#[must_use]
pub fn row(code: &str) -> Option<&'static Row> {
    rows().find(|row| row.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_complete() {
        let codes: Vec<&str> = rows().map(|row| row.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for row in rows() {
            let texts = [row.title, row.condition, row.why, row.todo, row.false_positives];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", row.code);
            assert!(!row.references.is_empty(), "{}", row.code);
        }
        assert_eq!(row("x201").map(|row| row.title), Some("One signature, several contents"));
        assert!(row("X999").is_none());
    }
}
