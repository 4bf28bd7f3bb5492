//! The summary: what a scan found, and what it did not look at.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::page::{Page, faint, padded, plain};
use super::style::{Ink, Style};
use super::words::{Verdict, date, grouped, moment, plural, severity, short, sized};
use crate::judge::{Reason, Status};
use crate::output::escape::for_terminal;
use crate::record::{Record, Revocation, Severity, TrustStoreName};
use crate::scan::Tally;

/// Files that could not be judged and are named below findings; the table names all of them.
const NAMED_ERRORS: usize = 20;

/// Counts over all records of a scan, whatever of them is shown.
#[derive(Debug, Default)]
pub struct Summary {
    verdicts: BTreeMap<Verdict, BTreeMap<Reason, u64>>,
    records: u64,
    signed: u64,
    missing: u64,
    catalogs_checked: bool,
    /// Judged files that some catalog may list which was not looked at.
    uncatalogued: u64,
    revocation_checked: bool,
    revocation_unknown: u64,
    /// Findings about single files by severity.
    findings: BTreeMap<Severity, u64>,
    /// The first files that were not judged, and why.
    errors: Vec<(String, String)>,
    trust: Option<(TrustStoreName, String)>,
}

/// What the summary cannot know by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct SummaryOptions {
    /// Columns of the terminal; 0 wraps nothing.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// How long the scan took.
    pub elapsed: Option<Duration>,
    /// Records that a status filter let through, when there is one.
    pub shown: Option<u64>,
    /// Catalogs that were looked at, when there were any.
    pub catalogs: Option<u64>,
    /// The mildest findings that are counted, for a scan that fails on them; critical and high ones always are.
    pub findings: Option<Severity>,
    /// The summary stands below findings, not files: it names the files that were not judged, and counts no findings.
    pub below_findings: bool,
}

impl Summary {
    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        let reasons = self.verdicts.entry(Verdict::of(record.status, record.reason)).or_default();
        let count = reasons.entry(record.reason).or_default();
        *count = count.saturating_add(1);
        self.records = self.records.saturating_add(1);
        let signed =
            !record.signatures.is_empty() || record.catalog_signature.is_some() || record.status == Status::Invalid;
        self.signed = self.signed.saturating_add(u64::from(signed));
        self.missing = self.missing.saturating_add(u64::from(record.reason == Reason::NotFound));
        let checked = record.catalog != "not-checked";
        self.catalogs_checked |= checked;
        let uncatalogued = !checked && record.status != Status::Error;
        self.uncatalogued = self.uncatalogued.saturating_add(u64::from(uncatalogued));
        self.revocation_checked |= record.revocation != Revocation::NotChecked;
        let unknown = record.revocation == Revocation::Unknown;
        self.revocation_unknown = self.revocation_unknown.saturating_add(u64::from(unknown));
        for finding in &record.findings {
            let count = self.findings.entry(finding.severity).or_default();
            *count = count.saturating_add(1);
        }
        if record.status == Status::Error && self.errors.len() < NAMED_ERRORS {
            let why = record.error.as_ref().map_or(record.reason.row().meaning, |error| &error.message);
            self.errors.push((record.path.clone(), why.to_owned()));
        }
        if self.trust.is_none() {
            self.trust = Some((record.trust_store.clone(), record.judged_at.clone()));
        }
    }

    /// The block of text that ends a scan.
    #[must_use]
    pub fn render(&self, tally: &Tally, options: &SummaryOptions) -> String {
        let mut page = Page::new(options.width, options.style);
        page.headline(&[(Ink::Strong, self.headline(tally, options))]);
        let most = self.verdicts.values().map(total).max().unwrap_or(0);
        let digits = grouped(most).len();
        for verdict in Verdict::WORST_FIRST {
            if let Some(reasons) = self.verdicts.get(&verdict) {
                self.verdict_line(&mut page, verdict, reasons, digits, options);
            }
        }
        if options.below_findings {
            self.name_errors(&mut page);
        } else if let Some(text) = self.found(options.findings) {
            page.beside(&[plain("  Findings: ")], &[plain(text)]);
        }
        let passed_over = self.passed_over(tally);
        if !passed_over.is_empty() {
            page.beside(&[plain("  Not judged: ")], &[plain(passed_over.join(", "))]);
        }
        if let Some((store, judged_at)) = &self.trust {
            page.beside(&[plain("  ")], &[faint(self.basis(store, judged_at))]);
        }
        page.finish()
    }

    fn headline(&self, tally: &Tally, options: &SummaryOptions) -> String {
        let mut text = format!("{} judged, {} signed", plural(self.records, "file", "files"), grouped(self.signed));
        if let Some(shown) = options.shown.filter(|shown| *shown != self.records) {
            let _ = write!(text, ", {} shown", grouped(shown));
        }
        let _ = write!(text, "; {}", sized(tally.bytes));
        if let Some(elapsed) = options.elapsed {
            let seconds = elapsed.as_secs_f64();
            let _ = write!(text, " in {}", duration(elapsed));
            if seconds >= 0.1 {
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // a rate
                let (files, rate) = (self.records as f64 / seconds, tally.bytes as f64 / seconds);
                let _ = write!(text, " ({files:.0} files/s, {}/s)", sized(rate as u64));
            }
        }
        text
    }

    fn verdict_line(
        &self,
        page: &mut Page,
        verdict: Verdict,
        reasons: &BTreeMap<Reason, u64>,
        digits: usize,
        options: &SummaryOptions,
    ) {
        let count = grouped(total(reasons));
        let mut line = vec![
            plain("  "),
            (Ink::Verdict(verdict), padded(verdict.word(), 11)),
            plain(format!("  {count:>digits$}")),
        ];
        let mut ranked: Vec<_> = reasons.iter().filter(|(reason, _)| !short(**reason).is_empty()).collect();
        ranked.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), reason.position()));
        let mut parts: Vec<String> =
            ranked.iter().map(|(reason, count)| format!("{} {}", grouped(**count), short(**reason))).collect();
        if reasons.len() == 1 {
            parts = ranked.iter().map(|(reason, _)| short(**reason).to_owned()).collect();
        }
        if verdict == Verdict::Unsigned && !self.catalogs_checked {
            parts.insert(0, "(catalogs not checked)".to_owned());
        } else if let (Verdict::Unsigned, Some(catalogs), 0) = (verdict, options.catalogs, self.uncatalogued) {
            parts.insert(
                0,
                match catalogs {
                    1 => "(not in the one catalog)".to_owned(),
                    many => format!("(in none of {} catalogs)", grouped(many)),
                },
            );
        }
        line.push(plain("  "));
        page.beside(&line, &[plain(parts.join(", "))]);
    }

    /// The files that were not judged.
    fn name_errors(&self, page: &mut Page) {
        for (path, why) in &self.errors {
            page.beside(&[plain("    ")], &[plain(format!("{}: {}", for_terminal(path), for_terminal(why)))]);
        }
        let errors = self.verdicts.get(&Verdict::Error).map_or(0, total);
        let more = errors.saturating_sub(self.errors.len() as u64);
        if more > 0 {
            page.beside(&[plain("    ")], &[faint(format!("and {} more: --json lists all", grouped(more)))]);
        }
    }

    /// How many findings of the severities that are told there are, and where to see them.
    fn found(&self, mildest: Option<Severity>) -> Option<String> {
        let mildest = mildest.unwrap_or(Severity::High).min(Severity::High);
        let told = self.findings.iter().rev().filter(|(severity, _)| **severity >= mildest);
        let told = told.map(|(of, count)| format!("{} {}", grouped(*count), severity(*of).1.to_lowercase()));
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| format!("{}; sigscan hunt shows them", told.join(", ")))
    }

    fn passed_over(&self, tally: &Tally) -> Vec<String> {
        let mut parts = Vec::new();
        let mut add = |count: u64, text: String| {
            if count > 0 {
                parts.push(text);
            }
        };
        let missing = tally.missing.saturating_sub(self.missing);
        add(missing, plural(missing, "named path that does not exist", "named paths that do not exist"));
        for (format, count) in &tally.unsupported {
            add(
                *count,
                format!(
                    "{} (not read yet)",
                    plural(*count, &format!("{} file", format.name()), &format!("{} files", format.name()))
                ),
            );
        }
        let other = tally.not_signable;
        add(other, plural(other, "file that cannot be signed", "files that cannot be signed"));
        add(tally.links, format!("{} not followed", plural(tally.links, "link", "links")));
        add(tally.special, plural(tally.special, "special file", "special files"));
        add(tally.excluded, format!("{} excluded", plural(tally.excluded, "file", "files")));
        let folders = tally.excluded_folders;
        add(folders, format!("{} excluded", plural(folders, "folder", "folders")));
        parts
    }

    fn basis(&self, store: &TrustStoreName, judged_at: &str) -> String {
        let mut text = format!("Trusting {}", for_terminal(&store.name));
        if !store.date.is_empty() {
            let _ = write!(text, " of {}", for_terminal(date(&store.date)));
        }
        let _ = write!(text, ", as of {}", moment(judged_at));
        text.push_str(match (self.revocation_checked, self.catalogs_checked) {
            (false, false) => "; revocation and catalogs not checked",
            (false, true) => "; revocation not checked",
            (true, false) => "; catalogs not checked",
            (true, true) => "",
        });
        if self.catalogs_checked && self.uncatalogued > 0 {
            let _ = write!(text, "; catalogs not all checked for {}", plural(self.uncatalogued, "file", "files"));
        }
        if self.revocation_unknown > 0 {
            let _ = write!(text, "; revocation unknown for {}", plural(self.revocation_unknown, "file", "files"));
        }
        text
    }
}

fn total(reasons: &BTreeMap<Reason, u64>) -> u64 {
    reasons.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// `0.8 s`, `42 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..=9 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, (seconds % 3600) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;
    use crate::record::Format;

    #[test]
    fn everything_is_counted_and_nothing_is_left_out_silently() {
        let mut summary = Summary::default();
        let mut stored = samples::valid();
        stored.trust_store.name = "Roots".to_owned();
        stored.trust_store.date = "2026-10-23T23:18:35Z".to_owned();
        let mut unsigned = samples::missing();
        (unsigned.status, unsigned.reason) = (Status::Unsigned, Reason::NoSignature);
        let mut own = samples::valid();
        (own.status, own.reason) = (Status::Untrusted, Reason::SelfSigned);
        for record in [&stored, &samples::hostile(), &samples::missing(), &unsigned, &own] {
            summary.add(record);
        }
        let tally = Tally {
            records: 5,
            bytes: 1_500_000,
            not_signable: 1024,
            unsupported: [(Format::Msi, 3), (Format::Cab, 1)].into(),
            special: 1,
            links: 2,
            excluded: 4,
            excluded_folders: 2,
            missing: 1,
            unjudged: 0,
        };
        let options =
            SummaryOptions { elapsed: Some(Duration::from_millis(500)), shown: Some(2), ..Default::default() };
        let expected = "\
5 files judged, 1 signed, 2 shown; 1.5 MB in 0.5 s (10 files/s, 3.0 MB/s)
  Invalid      1  digest mismatch
  Self-signed  1
  Error        1  no such file
  Unsigned     1  (catalogs not checked)
  Valid        1
  Not judged: 3 msi files (not read yet), 1 cab file (not read yet), 1,024 files that cannot be signed, \
2 links not followed, 1 special file, 4 files excluded, 2 folders excluded
  Trusting Roots of 2026-10-23, as of 2026-06-01 00:00:00 UTC; revocation and catalogs not checked
";
        assert_eq!(summary.render(&tally, &options), expected);
    }

    #[test]
    fn a_summary_counts_the_files_whose_revocation_nobody_knows() {
        let mut summary = Summary::default();
        let mut record = samples::valid();
        record.revocation = Revocation::Unknown;
        summary.add(&record);
        let text = summary.render(&Tally::default(), &SummaryOptions::default());
        assert!(text.contains("; catalogs not checked; revocation unknown for 1 file\n"), "{text}");
        assert!(!text.contains("revocation not checked"));
    }

    #[test]
    fn a_summary_counts_the_files_for_which_a_catalog_was_not_looked_at() {
        let mut summary = Summary::default();
        for catalog in ["none", "not-checked"] {
            let mut record = samples::missing();
            (record.status, record.reason) = (Status::Unsigned, Reason::NoSignature);
            catalog.clone_into(&mut record.catalog);
            summary.add(&record);
        }
        let options = SummaryOptions { catalogs: Some(3), ..SummaryOptions::default() };
        let text = summary.render(&Tally::default(), &options);
        assert!(text.contains("; revocation not checked; catalogs not all checked for 1 file\n"), "{text}");
        assert!(text.contains("  Unsigned     2\n"), "{text}");
    }

    #[test]
    fn a_summary_tells_of_findings_that_the_verdicts_do_not_show() {
        let mut summary = Summary::default();
        let mut record = samples::valid();
        let finding = serde_json::json!({ "code": "S106", "title": "x", "severity": "low", "confidence": "proof", "attack": [],
            "evidence": {}, "related": [] });
        let mut finding: crate::record::Finding = serde_json::from_value(finding).unwrap();
        for severity in [Severity::Critical, Severity::High, Severity::High, Severity::Medium, Severity::Info] {
            finding.severity = severity;
            record.findings.push(finding.clone());
        }
        summary.add(&record);
        let told = |findings| {
            let options = SummaryOptions { findings, ..SummaryOptions::default() };
            let text = summary.render(&Tally::default(), &options);
            text.lines().find(|line| line.starts_with("  Findings: ")).map(str::to_owned)
        };
        let usual = Some("  Findings: 1 critical, 2 high; sigscan hunt shows them".to_owned());
        assert_eq!((told(None), told(Some(Severity::Critical))), (usual.clone(), usual));
        let more = "  Findings: 1 critical, 2 high, 1 medium, 1 info; sigscan hunt shows them";
        assert_eq!(told(Some(Severity::Info)).as_deref(), Some(more));
        let mut nothing = Summary::default();
        nothing.add(&samples::missing());
        assert!(!nothing.render(&Tally::default(), &SummaryOptions::default()).contains("Findings"));
    }

    #[test]
    fn below_findings_the_files_are_named_that_nobody_judged() {
        let mut summary = Summary::default();
        for number in 0..22 {
            let mut record = samples::missing();
            record.path = format!("lost {number}\u{1b}");
            summary.add(&record);
        }
        let options = SummaryOptions { below_findings: true, ..SummaryOptions::default() };
        let text = summary.render(&Tally::default(), &options);
        let named: Vec<&str> = text.lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(named.len(), 21);
        assert!(named[0].starts_with("    lost 0\\x1b: "), "{}", named[0]);
        assert_eq!(named[20], "    and 2 more: --json lists all");
    }

    #[test]
    fn durations_are_short() {
        let cases = [(800, "0.8 s"), (42_000, "42 s"), (200_000, "3 min 20 s"), (7_500_000, "2 h 5 min")];
        for (milliseconds, text) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
