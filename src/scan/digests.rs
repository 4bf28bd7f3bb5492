//! What is computed over a file's bytes: which digests, which pages, and the passes that do it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::inspect::Digested;
use super::options::HashMode;
use super::pages::PageRun;
use super::pass::{self, Digests, Plan};
use super::scanner::Scanner;
use crate::anomaly::{Anomaly, SIGNED_BY_SECTION};
use crate::container::pe::{self, PageLayoutError, PeFacts};
use crate::container::{Covers, Presence, Source, Subject};
use crate::crypto::DigestAlgorithm;
use crate::record::PageHashes;
use crate::trust::wdac::HashOf;
use crate::verify::ParsedSignature;

/// Page hashes of one signature as far as known before the pass, and the index of their run in the plan.
type PageReport = (PageHashes, Option<usize>);

/// What is wanted of a file's bytes.
pub(super) struct Asked<'p> {
    /// For the pass.
    pub(super) plan: Plan<'p>,
    /// Page hashes by signature, as far as known before the pass.
    pages: Vec<Option<PageReport>>,
    /// Digests of the first page that lists name.
    first_page: Vec<DigestAlgorithm>,
}

/// Headers that are hashed as the first page, in octets; linkers write 512 to 4,096.
const MAX_HEADERS: u32 = 64 * 1024;

impl Scanner {
    /// What has to be computed over the file's bytes, in one pass.
    pub(super) fn ask<'p>(
        &self,
        subject: &Subject,
        tree: &[ParsedSignature<'p>],
        length: u64,
        listed: &[DigestAlgorithm],
    ) -> Asked<'p> {
        let (mut plan, pages) = self.plan(subject, tree, length);
        let is_pe = subject.pe.is_some();
        plan.look_up(listed, subject.listed_by(length));
        let wanted = |of| if self.options.findings { self.blocked.wanted(of, is_pe) } else { Vec::new() };
        plan.look_for(wanted(HashOf::File), if is_pe { wanted(HashOf::Authentihash) } else { Vec::new() });
        plan.sum = self.options.findings && subject.pe.is_some() && !tree.is_empty();
        Asked { plan, pages, first_page: wanted(HashOf::FirstPage) }
    }

    /// What the pass computed, as the record and the findings want it.
    pub(super) fn answer(
        &self,
        source: &dyn Source,
        subject: &Subject,
        asked: Asked<'_>,
        computed: Digests,
    ) -> io::Result<Digested> {
        let Asked { plan, mut pages, first_page: mut algorithms } = asked;
        for (report, at) in pages.iter_mut().flatten() {
            if let Some(run) = at.and_then(|at| plan.pages.get(at)) {
                report.matched = Some(run.first_mismatch.is_none());
                report.first_mismatch = run.first_mismatch;
            }
        }
        let page_hashes: Vec<_> = pages.into_iter().map(|entry| entry.map(|(report, _)| report)).collect();
        let tells_first_page = self.tells_first_page(subject, &page_hashes);
        if tells_first_page && !algorithms.contains(&DigestAlgorithm::Sha256) {
            algorithms.push(DigestAlgorithm::Sha256);
        }
        let first_page = match &subject.pe {
            Some(facts) if !algorithms.is_empty() => pass::first_page(source, facts, &algorithms)?,
            _ => BTreeMap::new(),
        };
        Ok(Digested { reported: plan.reported(&computed), computed, page_hashes, first_page, tells_first_page })
    }

    /// Whether the first page belongs into the record: it leads from a copied signature to its donor, which others
    /// lead to where that is signed.
    fn tells_first_page(&self, subject: &Subject, page_hashes: &[Option<PageHashes>]) -> bool {
        let unsigned = matches!(subject.signatures, Presence::None);
        let small = subject.pe.as_ref().is_some_and(|facts| facts.size_of_headers <= MAX_HEADERS);
        small && self.options.hashes != HashMode::None && (unsigned || page_hashes.iter().any(Option::is_some))
    }

    /// Everything that the one pass has to compute, and the page hash reports by signature with the index of
    /// their run in the plan.
    fn plan<'p>(
        &self,
        subject: &Subject,
        tree: &[ParsedSignature<'p>],
        length: u64,
    ) -> (Plan<'p>, Vec<Option<PageReport>>) {
        let bodies = || tree.iter().map(|signature| signature.body.as_ref().ok());
        let mut wanted: BTreeSet<DigestAlgorithm> = bodies()
            .flatten()
            .filter_map(|body| DigestAlgorithm::from_oid(body.content.file()?.digest_algorithm.oid))
            .filter(|algorithm| !matches!(algorithm, DigestAlgorithm::Md2 | DigestAlgorithm::Md4))
            .collect();
        match self.options.hashes {
            HashMode::None => {}
            HashMode::Sha256 if !subject.signatures.is_any() || wanted.is_empty() => {
                wanted.insert(DigestAlgorithm::Sha256);
            }
            HashMode::Sha256 => {}
            HashMode::All => wanted.extend(HashMode::ALL),
        }
        if matches!(subject.signatures, Presence::Unsupported) || subject.covers == Covers::Itself {
            wanted.clear();
        }
        let covered = wanted.into_iter().collect();
        let mut plan = Plan::new(self.options.file_hashes(), covered, subject.regions.clone());
        let reports = bodies()
            .map(|body| {
                let list = body?.content.file()?.page_hashes()?;
                Some(page_run(subject.pe.as_ref()?, list, length, &mut plan.pages))
            })
            .collect();
        (plan, reports)
    }

    /// The section-sorted digest, where the layout makes it differ from the linear one, and whether that was signed: the
    /// firmware of machines digests so, and Windows does not.
    pub(super) fn section_layout(
        &self,
        source: &dyn Source,
        facts: &PeFacts,
        digests: &Digests,
        tree: &[ParsedSignature<'_>],
        buffer: &mut Vec<u8>,
    ) -> io::Result<Vec<Anomaly>> {
        let Some(algorithm) = digests.authentihash.keys().next().copied() else { return Ok(Vec::new()) };
        let budget = source.len().saturating_mul(2);
        let Some(ranges) = facts.section_sorted_ranges(source.len(), budget) else { return Ok(Vec::new()) };
        let fields = facts.excluded_ranges();
        let value = self.other_digest(source, algorithm, [&ranges, &fields], || {
            pass::digest_ranges(source, facts, &ranges, algorithm, buffer)
        })?;
        let Some(value) = value else { return Ok(Vec::new()) };
        let message = format!(
            "sections and file order differ: hashed section by section the {} digest would be {value}",
            algorithm.name()
        );
        let contents = tree.iter().filter_map(|signature| signature.body.as_ref().ok()?.content.file());
        let signed = contents.into_iter().any(|content| content.digest == value.as_bytes());
        let told = "what was signed is the digest section by section, which firmware computes and Windows does not";
        let signed = signed.then(|| Anomaly::new(SIGNED_BY_SECTION, told));
        Ok(std::iter::once(Anomaly::new("section-layout", message)).chain(signed).collect())
    }
}

/// Octets that may be hashed for the page hashes of all signatures: this many times the file's, and so many more.
const MAX_PAGES_OF_FILE: u64 = 8;
const MORE_PAGES: u64 = 16 << 20;

/// Starts a comparison of page hashes, or says why there is none.
fn page_run<'p>(
    facts: &PeFacts,
    list: crate::cms::spc::PageHashList<'p>,
    length: u64,
    runs: &mut Vec<PageRun<'p>>,
) -> PageReport {
    // The last entry marks the end of the hashed image; its digest is zeros.
    let count = list.len().saturating_sub(1);
    let end = list.entry(count);
    let mut report = PageHashes {
        algorithm: list.algorithm.name().to_owned(),
        count,
        matched: None,
        first_mismatch: None,
        problem: None,
    };
    if !list.is_whole() || count == 0 || end.is_none_or(|(_, digest)| digest.iter().any(|byte| *byte != 0)) {
        report.problem = Some("the list does not end with its terminating entry".to_owned());
        return (report, None);
    }
    let offsets = (0..count).map(|index| list.entry(index).map_or(u32::MAX, |entry| entry.0));
    match pe::page_plan(facts, offsets, length) {
        Ok(plan) => {
            // Pages are filled up with zeros: sections of one octet are as much work as whole ones.
            let octets = runs.iter().map(PageRun::octets).fold(plan.octets(), u64::saturating_add);
            if octets > length.saturating_mul(MAX_PAGES_OF_FILE).saturating_add(MORE_PAGES) {
                report.problem = Some("the pages come to many times the file".to_owned());
                return (report, None);
            }
            runs.push(PageRun::new(list, plan));
            (report, Some(runs.len().saturating_sub(1)))
        }
        Err(PageLayoutError::ForeignOffset(offset)) => {
            report.matched = Some(false);
            report.first_mismatch = Some(u64::from(offset));
            report.problem = Some(format!("offset {offset} is no page of this file"));
            (report, None)
        }
        Err(PageLayoutError::Unordered(offset)) => {
            report.problem = Some(format!("offset {offset} is out of order"));
            (report, None)
        }
    }
}
