//! `sigscan hunt`: findings for a person, worst first, with the proof and, where several files share something, the
//! donor.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::page::{Page, Span, faint, fit_path, padded, plain};
use super::style::{Ink, Style};
use super::words::{Verdict, plural, severity};
use crate::output::Output;
use crate::output::escape::for_terminal;
use crate::record::{FINDING_SCHEMA, FindingLine, Record, Severity};
use crate::scan::Tally;

/// Members of one finding that are listed; `--json` lists all.
const MEMBERS: usize = 20;

/// How findings are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct HuntOptions {
    /// Columns of the terminal; 0 cuts nothing.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// Milder findings are counted only.
    pub min_severity: Severity,
}

/// Remembers the verdict of each file and shows findings at the end.
pub(super) struct Hunt<W> {
    out: W,
    options: HuntOptions,
    verdicts: BTreeMap<String, Verdict>,
    findings: Vec<FindingLine>,
    /// What is too mild to be shown, as much of it as would be blocks.
    milder: BTreeSet<(String, Severity)>,
    milder_pairs: u64,
    files: u64,
}

impl<W: Write> Hunt<W> {
    pub(super) fn new(out: W, options: HuntOptions) -> Hunt<W> {
        Hunt {
            out,
            options,
            verdicts: BTreeMap::new(),
            findings: Vec::new(),
            milder: BTreeSet::new(),
            milder_pairs: 0,
            files: 0,
        }
    }

    fn take(&mut self, finding: &FindingLine) {
        // One block for all files of which the same is found: what differs between them is in their records.
        let of_one_file = finding.code.starts_with('S');
        if finding.severity < self.options.min_severity {
            if of_one_file {
                self.milder.insert((finding.code.clone(), finding.severity));
            } else {
                self.milder_pairs = self.milder_pairs.saturating_add(1);
            }
            return;
        }
        let same =
            |known: &&mut FindingLine| known.code == finding.code && known.severity == finding.severity && of_one_file;
        match self.findings.iter_mut().find(same) {
            Some(known) => {
                known.members.extend(finding.members.iter().cloned());
                known.evidence.clear();
            }
            None => self.findings.push(finding.clone()),
        }
    }

    /// Files that carry a signature which was made for others, as the findings that are shown first say. That their
    /// digests differ follows, and is not listed again.
    fn carriers(&self) -> BTreeSet<String> {
        let clusters = self.findings.iter().filter(|finding| matches!(&*finding.code, "X201" | "X202" | "X203"));
        let members = clusters.flat_map(|finding| {
            finding.members.iter().filter(|member| Some(*member) != finding.donor.as_ref()).cloned()
        });
        members.collect()
    }

    fn block(&self, page: &mut Page, finding: &FindingLine, carriers: &BTreeSet<String>) {
        let (ink, word) = severity(finding.severity);
        let title: Vec<Span> =
            vec![(ink, padded(word, 9)), (Ink::Strong, format!("{} {}", finding.code, finding.title))];
        page.headline(&title);
        let mut members: Vec<&String> = finding.members.iter().collect();
        if let Some(donor) = &finding.donor {
            members.retain(|member| *member != donor);
            self.file(page, "donor", donor);
        }
        let all = members.len();
        members.retain(|member| finding.code != "S101" || !carriers.contains(*member));
        let named = all.saturating_sub(members.len());
        // Worst first; the sort is stable, so that paths stay in order within a verdict.
        members.sort_by_key(|member| self.verdicts.get(*member).map_or(usize::MAX, |verdict| rank(*verdict)));
        for (number, member) in members.iter().take(MEMBERS).enumerate() {
            self.file(page, if number == 0 { "files" } else { "" }, member);
        }
        if members.len() > MEMBERS {
            let more = members.len().saturating_sub(MEMBERS);
            page.headline(&[faint(format!("{:11}and {more} more: --json lists all", ""))]);
        }
        if named > 0 {
            let label = if members.is_empty() { "files" } else { "" };
            page.headline(&[faint(format!("  {label:9}{named} whose signature others carry, too: named above"))]);
        }
        // The name comes first: it is what a person looks for. What is not known is left out.
        let mut shown: Vec<_> = finding.evidence.iter().filter(|(_, value)| !value.is_null()).collect();
        shown.sort_by_key(|(name, _)| *name != "signer");
        let proof: Vec<String> = shown.into_iter().map(|(name, value)| evidence(name, value)).collect();
        if !proof.is_empty() {
            page.beside(&[faint("  proof    ")], &[plain(proof.join(", "))]);
        }
        page.gap();
    }

    fn file(&self, page: &mut Page, label: &str, path: &str) {
        let verdict = self.verdicts.get(path);
        let word = padded(verdict.map_or("", |verdict| verdict.word()), 12);
        let ink = verdict.map_or(Ink::Plain, |verdict| Ink::Verdict(*verdict));
        let path = for_terminal(path);
        let room = self.options.width.saturating_sub(24).max(20);
        let path = if self.options.width == 0 { path.to_string() } else { fit_path(&path, room) };
        page.headline(&[faint(format!("  {label:9}")), (ink, word), plain(format!(" {path}"))]);
    }
}

fn rank(verdict: Verdict) -> usize {
    Verdict::WORST_FIRST.iter().position(|known| *known == verdict).unwrap_or(usize::MAX)
}

/// One piece of evidence; digests are cut to what a person compares.
fn evidence(name: &str, value: &serde_json::Value) -> String {
    let label = name.trim_end_matches("_sha256").trim_end_matches("_key").replace('_', " ");
    match value.as_str() {
        Some(text) if text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("{label} {}…", text.get(..8).unwrap_or(text))
        }
        Some(text) => format!("{label} “{}”", for_terminal(text)),
        None => format!("{label} {}", for_terminal(&value.to_string())),
    }
}

impl<W: Write> Output for Hunt<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.files = self.files.saturating_add(1);
        self.verdicts.insert(record.path.clone(), Verdict::of(record.status, record.reason));
        for finding in &record.findings {
            self.take(&FindingLine {
                schema: FINDING_SCHEMA.to_owned(),
                code: finding.code.clone(),
                title: finding.title.clone(),
                severity: finding.severity,
                confidence: finding.confidence,
                attack: finding.attack.clone(),
                evidence: finding.evidence.clone(),
                members: vec![record.path.clone()],
                hosts: Vec::new(),
                donor: None,
                donor_host: None,
            });
        }
        Ok(())
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.take(finding);
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        // What several files share explains most of what is odd about each of them, so it goes first.
        self.findings.sort_by_key(|finding| (Reverse(finding.severity), finding.code.starts_with('S')));
        let mut page = Page::new(self.options.width, self.options.style);
        let carriers = self.carriers();
        for finding in &self.findings {
            self.block(&mut page, finding, &carriers);
        }
        let mut count = plural(self.findings.len() as u64, "finding", "findings");
        let same = self.findings.chunk_by(|left, right| left.severity == right.severity);
        let levels: Vec<String> = same
            .filter_map(|run| Some(format!("{} {}", run.len(), severity(run.first()?.severity).1.to_lowercase())))
            .collect();
        if !levels.is_empty() {
            count.push_str(&format!(" ({})", levels.join(", ")));
        }
        let milder = (self.milder.len() as u64).saturating_add(self.milder_pairs);
        let milder = match milder {
            0 => String::new(),
            count => format!("; {} that --min-severity info shows", plural(count, "milder one", "milder ones")),
        };
        let last = format!("{count} among {}{milder}", plural(self.files, "file", "files"));
        page.headline(&[plain(last)]);
        self.out.write_all(page.finish().as_bytes())?;
        self.out.flush()
    }
}
