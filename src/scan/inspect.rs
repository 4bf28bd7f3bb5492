//! Bytes in, record out: the one function through which every file goes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, OnceLock};

use super::catalogs::Catalogs;
use super::kernel::{catalog_pleases, kernel_choice};
use super::options::{HashMode, Options};
use super::pass::{self, Digests, PageRun, Plan};
use super::supply::{Supplement, Supplier};
use crate::anomaly::Anomaly;
use crate::asn1::Time;
use crate::container::pe::{self, PageLayoutError, PeFacts, Remains};
use crate::container::{
    Covers, Format, HashedRegions, MemorySource, Presence, Source, Subject, container_for, read_up_to, sniff,
};
use crate::crypto::{DigestAlgorithm, SignatureMemo};
use crate::hunt::{self, Baseline, FileFacts, KnownNames};
use crate::judge::{self, Layout, Policy, Reason, SignatureVerdict, Status};
use crate::record::{self, Driver, Inputs, KernelFacts, PageHashes, Record, Signature, VersionInfo, error_record};
use crate::trust::{BlockLists, CatalogIndex, KernelRoots, RevocationLists, TrustStore};
use crate::verify::{self, FileDigests, Lists, ParsedSignature, SignatureFacts, Work, parse_tree};

/// Judges files. A record is a pure function of the file's bytes, the lists, the options and the moment;
/// one scanner may be used from many threads at once.
#[derive(Debug)]
pub struct Scanner {
    pub(super) options: Options,
    pub(super) trust: TrustStore,
    pub(super) intermediates: Vec<Vec<u8>>,
    pub(super) revocation: Arc<RevocationLists>,
    pub(super) memo: SignatureMemo,
    pub(super) kernel_roots: KernelRoots,
    catalogs: Option<Catalogs>,
    names: OnceLock<KnownNames>,
    supplier: Option<Arc<dyn Supplier>>,
    blocked: BlockLists,
    allowed: BlockLists,
    baseline: Option<Baseline>,
}

/// A file judged by what is in it.
struct Inspected {
    record: Record,
    /// Index of the signature that decided.
    deciding: Option<usize>,
    /// Every digest that was computed, to be reported or not.
    digests: Digests,
    /// What the signatures of a driver or a catalog say to the kernel.
    kernel: Vec<KernelFacts>,
    /// The driver that the file is.
    driver: Option<Driver>,
}

/// A file whose layout has been read.
struct ReadFile<'r> {
    size: u64,
    format: Format,
    subject: &'r Subject,
    tree: &'r [ParsedSignature<'r>],
    version: Option<(VersionInfo, String)>,
    anomalies: Vec<Anomaly>,
    remains: Remains,
}

/// What the pass over a file found.
struct Digested {
    computed: Digests,
    reported: Digests,
    page_hashes: Vec<Option<PageHashes>>,
}

impl Scanner {
    /// A scanner that trusts the embedded store.
    #[must_use]
    pub fn new(options: Options) -> Scanner {
        Scanner::with_trust(options, TrustStore::embedded())
    }

    /// A scanner that trusts the given store.
    #[must_use]
    pub fn with_trust(options: Options, trust: TrustStore) -> Scanner {
        Scanner {
            options,
            trust,
            intermediates: Vec::new(),
            revocation: Arc::default(),
            memo: SignatureMemo::default(),
            kernel_roots: KernelRoots::default(),
            catalogs: None,
            names: OnceLock::new(),
            supplier: None,
            blocked: BlockLists::default(),
            allowed: BlockLists::default(),
            baseline: None,
        }
    }

    /// Adds certificates (DER) that may serve as intermediates.
    #[must_use]
    pub fn with_intermediates(mut self, certificates: Vec<Vec<u8>>) -> Scanner {
        self.intermediates = certificates;
        self
    }

    /// Adds revocation lists.
    #[must_use]
    pub fn with_revocation(mut self, lists: RevocationLists) -> Scanner {
        self.revocation = Arc::new(lists);
        self
    }

    /// Names what others warn of, and what is wanted all the same.
    #[must_use]
    pub fn with_blocklists(mut self, blocked: BlockLists, allowed: BlockLists) -> Scanner {
        self.blocked = blocked;
        self.allowed = allowed;
        self
    }

    /// Compares every file with what a known-good folder held.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Baseline) -> Scanner {
        self.baseline = Some(baseline);
        self
    }

    /// Looks every file up in catalogs.
    #[must_use]
    pub fn with_catalogs(mut self, index: CatalogIndex) -> Scanner {
        self.catalogs = Some(Catalogs::new(index));
        self
    }

    /// Asks for what a file needs beyond these lists before it is judged. What it got belongs to that file alone.
    #[must_use]
    pub fn with_supplier(mut self, supplier: Arc<dyn Supplier>) -> Scanner {
        self.supplier = Some(supplier);
        self
    }

    /// The catalogs that are looked at.
    #[must_use]
    pub fn catalogs(&self) -> Option<&CatalogIndex> {
        self.catalogs.as_ref().map(|catalogs| &catalogs.index)
    }

    /// The options in use.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The trust store in use.
    #[must_use]
    pub fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Judges bytes in memory; `name` becomes the record's path.
    #[must_use]
    pub fn scan_bytes(&self, name: &str, bytes: &[u8]) -> Record {
        self.scan_source(name, &MemorySource(bytes))
    }

    /// Judges a source; `name` becomes the record's path. Errors of reading become `Error` records.
    #[must_use]
    pub fn scan_source(&self, name: &str, source: &dyn Source) -> Record {
        match sniff(source) {
            Ok(format) => self.compared(self.scan_as(name, source, format, &mut Vec::new())),
            Err(error) => self.io_error(name, Format::Other, &error),
        }
    }

    /// Judges a source whose format is known, with a buffer that is reused between files.
    #[must_use]
    pub fn scan_as(&self, name: &str, source: &dyn Source, format: Format, buffer: &mut Vec<u8>) -> Record {
        if let Some(limit) = self.options.max_size.filter(|limit| source.len() > *limit) {
            let message = format!("the file has {} bytes, more than the limit of {limit}", source.len());
            let mut record = self.error(name, format, Reason::Limit, message);
            record.size = Some(source.len());
            return record;
        }
        match self.inspect(name, source, format, buffer) {
            Ok(record) => Record { host: self.options.host.clone(), ..record },
            Err(error) => self.io_error(name, format, &error),
        }
    }

    /// A finished record, which knows its path and what catalogs say, with what the baseline finds in it.
    pub(super) fn compared(&self, mut record: Record) -> Record {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| self.options.findings) {
            record.findings.extend(baseline.findings(&record));
        }
        record
    }

    /// The record of a file that was not judged.
    #[must_use]
    pub fn error(&self, name: &str, format: Format, reason: Reason, message: String) -> Record {
        let record = error_record(name, format, reason, message, self.options.now, (&self.options).into(), &self.trust);
        Record { host: self.options.host.clone(), ..record }
    }

    /// The record of a file that could not be read.
    #[must_use]
    pub fn io_error(&self, name: &str, format: Format, error: &io::Error) -> Record {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => Reason::NotFound,
            io::ErrorKind::UnexpectedEof => Reason::ChangedWhileReading,
            _ => Reason::Io,
        };
        self.error(name, format, reason, error.to_string())
    }

    /// Judges a file by what is in it, and then by the catalogs that list it.
    fn inspect(&self, name: &str, source: &dyn Source, format: Format, buffer: &mut Vec<u8>) -> io::Result<Record> {
        let algorithms = self.catalogs.as_ref().map(|catalogs| catalogs.index.algorithms()).unwrap_or_default();
        let inspected = self.inspect_alone(name, source, format, &algorithms, buffer)?;
        let Inspected { mut record, digests, mut driver, .. } = inspected;
        if let Some(catalogs) = &self.catalogs {
            let found = catalogs.look_up(self, &digests);
            record.anomalies.extend(found.anomalies);
            match found.hit {
                None => record.in_no_catalog(),
                Some(hit) => {
                    let decides = match (&driver, &hit.kernel) {
                        (Some(driver), Some(kernel)) if self.kernel_decides() => catalog_pleases(kernel, &driver.facts),
                        _ => judge::catalog_decides(hit.record.status, record.reason),
                    };
                    record.in_catalog(&hit.record, hit.signature.as_ref(), decides);
                    if let Some(driver) = &mut driver {
                        driver.facts.extend(hit.kernel.clone());
                    }
                }
            }
            if let Some(driver) = &mut driver {
                driver.context.catalogs_checked = true;
            }
        }
        self.conclude(&mut record, driver.as_ref());
        Ok(record)
    }

    /// A catalog judged without a look at catalogs: its record, its deciding signature, and what that says to the kernel.
    pub(super) fn judge_catalog(
        &self,
        name: &str,
        source: &dyn Source,
    ) -> (Record, Option<Signature>, Option<KernelFacts>) {
        match self.inspect_alone(name, source, Format::Cat, &[], &mut Vec::new()) {
            Ok(Inspected { record, deciding, kernel, .. }) => {
                let signature = deciding.and_then(|index| record.signatures.get(index)).cloned();
                let kernel = deciding.and_then(|index| kernel.into_iter().nth(index));
                (record, signature, kernel)
            }
            Err(error) => (self.io_error(name, Format::Cat, &error), None, None),
        }
    }

    /// Judges a file by what is in it; `listed` are the algorithms of digests that catalogs list.
    fn inspect_alone(
        &self,
        name: &str,
        source: &dyn Source,
        format: Format,
        listed: &[DigestAlgorithm],
        buffer: &mut Vec<u8>,
    ) -> io::Result<Inspected> {
        let Some(container) = container_for(format) else {
            return self.uncontained(name, source, format, listed, buffer);
        };
        let mut subject = container.open(source, &self.options.limits)?;
        let mut anomalies = std::mem::take(&mut subject.anomalies);
        let (tree, truncated) = parse_tree(subject.signatures.blobs(), subject.covers);
        if truncated {
            let message = format!("signatures after the first {} were not read", verify::MAX_SIGNATURES);
            anomalies.push(Anomaly::new("signature-limit", message));
        }
        let digested = self.digest(source, &subject, &tree, listed, buffer)?;
        if let (Some(facts), true) = (&subject.pe, !tree.is_empty()) {
            anomalies.extend(self.section_layout(source, facts, &digested.reported, buffer)?);
        }
        let version = if subject.signatures.is_any() || self.options.hashes != HashMode::None {
            self.version(source, &subject)?
        } else {
            None
        };
        let remains = match &subject.pe {
            Some(facts) if !tree.is_empty() => {
                pe::remains(source, facts, subject.signatures.blobs(), digested.computed.sum.as_ref())?
            }
            _ => Remains::default(),
        };
        let read = ReadFile { size: source.len(), format, subject: &subject, tree: &tree, version, anomalies, remains };
        Ok(self.judge(name, read, digested))
    }

    /// Everything that has to be computed over the file's bytes, in one pass.
    fn digest(
        &self,
        source: &dyn Source,
        subject: &Subject,
        tree: &[ParsedSignature<'_>],
        listed: &[DigestAlgorithm],
        buffer: &mut Vec<u8>,
    ) -> io::Result<Digested> {
        let (mut plan, mut pages) = self.plan(subject, tree, source.len());
        plan.look_up(listed, subject.pe.is_some());
        plan.sum = self.options.findings && subject.pe.is_some() && !tree.is_empty();
        let computed = pass::run(source, &mut plan, buffer)?;
        for (report, at) in pages.iter_mut().flatten() {
            if let Some(run) = at.and_then(|at| plan.pages.get(at)) {
                report.matched = Some(run.first_mismatch.is_none());
                report.first_mismatch = run.first_mismatch;
            }
        }
        let page_hashes = pages.into_iter().map(|entry| entry.map(|(report, _)| report)).collect();
        Ok(Digested { reported: plan.reported(&computed), computed, page_hashes })
    }

    /// Facts, verdicts and the record of a file whose bytes have been read.
    fn judge(&self, name: &str, mut read: ReadFile<'_>, digested: Digested) -> Inspected {
        let file_digests = FileDigests { authentihash: digested.reported.authentihash.clone() };
        let supplement = self.supplement(&read, &file_digests);
        let now = self.options.now.max(supplement.moment.unwrap_or(self.options.now));
        read.anomalies.extend(supplement.anomalies.iter().cloned());
        let (revocation, work) = (supplement.lists(&self.revocation), Work::default());
        let lists = self.lists(&supplement.certificates, &revocation, &work);
        let (facts, verdicts) = self.verdicts(&read, &file_digests, lists, now);
        let blobs = read.subject.signatures.blobs();
        let kernel = self.kernel_facts(read.subject, read.format, &facts, &verdicts, &work);
        let driver = self.driver(read.subject, &kernel);
        let deciding = match &driver {
            Some(_) if self.kernel_decides() => kernel_choice(&kernel),
            _ => judge::deciding_signature(&verdicts, self.options.policy().signature),
        };
        let (verdict, message) = file_verdict(read.subject, &verdicts, deciding);
        let inputs = Inputs {
            size: read.size,
            format: read.format,
            verdict,
            deciding,
            facts: &facts,
            verdicts: &verdicts,
            page_hashes: digested.page_hashes,
            blobs,
            authentihash: texts(&digested.reported.authentihash),
            hashes: texts(&digested.reported.file),
            version: read.version,
            anomalies: read.anomalies,
            message,
            now,
            policy: (&self.options).into(),
            trust: &self.trust,
        };
        let mut record = record::build(name, inputs);
        if self.options.findings {
            record.findings = hunt::file_findings(&FileFacts {
                record: &record,
                signatures: &facts,
                deciding,
                pe: read.subject.pe.as_ref(),
                remains: &read.remains,
                blocked: &self.blocked,
                allowed: &self.allowed,
                trust: &self.trust,
                names: &self.names,
                memo: &self.memo,
                now,
            });
        }
        Inspected { record, deciding, digests: digested.computed, kernel, driver }
    }

    /// What the supplier gets for this file, round by round, until nothing is left to ask for.
    fn supplement(&self, read: &ReadFile<'_>, digests: &FileDigests) -> Supplement {
        let mut supplement = Supplement::default();
        let Some(supplier) = self.supplier.as_deref().filter(|_| !read.tree.is_empty()) else { return supplement };
        loop {
            let (revocation, work) = (supplement.lists(&self.revocation), Work::default());
            let lists = self.lists(&supplement.certificates, &revocation, &work);
            let now = self.options.now.max(supplement.moment.unwrap_or(self.options.now));
            let (facts, verdicts) = self.verdicts(read, digests, lists, now);
            let needs = supplement.needs(&facts, &verdicts);
            drop(facts);
            if !supplement.fill(supplier, needs) {
                return supplement;
            }
        }
    }

    fn lists<'l>(&'l self, downloaded: &'l [Vec<u8>], revocation: &'l RevocationLists, work: &'l Work) -> Lists<'l> {
        let (trust, intermediates, memo) = (&self.trust, self.intermediates.as_slice(), &self.memo);
        Lists { trust, intermediates, downloaded, revocation, memo, work }
    }

    fn verdicts<'l>(
        &self,
        read: &ReadFile<'l>,
        digests: &FileDigests,
        lists: Lists<'l>,
        now: Time,
    ) -> (Vec<SignatureFacts<'l>>, Vec<SignatureVerdict>) {
        let facts = verify::facts(read.tree, read.subject.signatures.blobs(), digests, lists);
        let (policy, layout) = (Policy { now, ..self.options.policy() }, layout(read.subject, read.size));
        let verdicts = facts.iter().map(|facts| judge::judge_signature(facts, layout, &policy)).collect();
        (facts, verdicts)
    }

    /// A kind of file that no container reads: either it cannot be signed, or sigscan cannot tell yet.
    fn uncontained(
        &self,
        name: &str,
        source: &dyn Source,
        format: Format,
        listed: &[DigestAlgorithm],
        buffer: &mut Vec<u8>,
    ) -> io::Result<Inspected> {
        let mut plan = Plan::new(self.options.file_hashes(), Vec::new(), HashedRegions::default());
        plan.look_up(listed, false);
        let digests = pass::run(source, &mut plan, buffer)?;
        let reason = if format.can_be_signed() { Reason::UnsupportedFormat } else { Reason::UnsupportedSubject };
        let message = format.can_be_signed().then(|| format!("signatures of {} files are not read yet", format.name()));
        let inputs = Inputs {
            size: source.len(),
            format,
            verdict: (reason.status(), reason, Vec::new()),
            deciding: None,
            facts: &[],
            verdicts: &[],
            page_hashes: Vec::new(),
            blobs: &[],
            authentihash: BTreeMap::new(),
            hashes: texts(&plan.reported(&digests).file),
            version: None,
            anomalies: Vec::new(),
            message,
            now: self.options.now,
            policy: (&self.options).into(),
            trust: &self.trust,
        };
        let record = record::build(name, inputs);
        Ok(Inspected { record, deciding: None, digests, kernel: Vec::new(), driver: None })
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

    /// The section-sorted digest, where the layout makes it differ from the linear one.
    fn section_layout(
        &self,
        source: &dyn Source,
        facts: &PeFacts,
        digests: &Digests,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Option<Anomaly>> {
        let Some(algorithm) = digests.authentihash.keys().next().copied() else { return Ok(None) };
        let budget = source.len().saturating_mul(2);
        let Some(ranges) = facts.section_sorted_ranges(source.len(), budget) else { return Ok(None) };
        let value = pass::digest_ranges(source, facts, &ranges, algorithm, buffer)?;
        let message = format!(
            "sections and file order differ: hashed section by section the {} digest would be {value}",
            algorithm.name()
        );
        Ok(Some(Anomaly::new("section-layout", message)))
    }

    fn version(&self, source: &dyn Source, subject: &Subject) -> io::Result<Option<(VersionInfo, String)>> {
        let Some((facts, (rva, _))) = subject.pe.as_ref().and_then(|facts| Some((facts, facts.resource_directory?)))
        else {
            return Ok(None);
        };
        if !self.options.version_info {
            return Ok(None);
        }
        let mut read = |offset: u64, length: usize| read_up_to(source, offset, length);
        let Some(info) = pe::version::version_info(&facts.sections, rva, &mut read)? else { return Ok(None) };
        let fixed = info.fixed_file_version.map(|parts| parts.map(|part| part.to_string()).join("."));
        let sha256 = info.resource_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = VersionInfo {
            company: info.company_name,
            product: info.product_name,
            description: info.file_description,
            original_filename: info.original_filename,
            file_version: info.file_version.or(fixed),
        };
        Ok(Some((shown, sha256)))
    }
}

/// Page hashes of one signature as far as known before the pass, and the index of their run in the plan.
type PageReport = (PageHashes, Option<usize>);

fn texts(digests: &BTreeMap<DigestAlgorithm, crate::crypto::DigestValue>) -> BTreeMap<String, String> {
    digests.iter().map(|(algorithm, value)| (algorithm.name().to_owned(), value.to_string())).collect()
}

fn layout(subject: &Subject, length: u64) -> Layout {
    let table = subject.pe.as_ref().and_then(PeFacts::certificate_table);
    Layout {
        data_after_table: table.is_some_and(|table| table.end < length),
        malformed: matches!(subject.signatures, Presence::Malformed { .. }),
    }
}

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

/// Status, reasons and message of the file.
fn file_verdict(
    subject: &Subject,
    verdicts: &[SignatureVerdict],
    deciding: Option<usize>,
) -> ((Status, Reason, Vec<Reason>), Option<String>) {
    let alone = |reason: Reason| (reason.status(), reason, Vec::new());
    match &subject.signatures {
        Presence::None => (alone(Reason::NoSignature), None),
        Presence::Unsupported => (alone(Reason::UnsupportedSubject), None),
        Presence::Limit { message } => (alone(Reason::Limit), Some(message.clone())),
        Presence::Malformed { message, .. } if verdicts.is_empty() => (alone(Reason::Malformed), Some(message.clone())),
        Presence::Blobs(_) | Presence::Malformed { .. } => match deciding.and_then(|index| verdicts.get(index)) {
            Some(verdict) => {
                let message = match &subject.signatures {
                    Presence::Malformed { message, .. } => Some(message.clone()),
                    _ => None,
                };
                ((verdict.status, verdict.reason, verdict.other_reasons.clone()), message)
            }
            None => (alone(Reason::Malformed), None),
        },
    }
}
