//! Bytes in, record out: the one function through which every file goes.

use std::collections::BTreeMap;
use std::io;

use super::digests::Asked;
use super::kernel::{catalog_pleases, kernel_choice};
use super::options::HashMode;
use super::pass::{Digests, Job, Plan};
use super::scanner::Scanner;
use super::supply::Supplement;
use crate::anomaly::Anomaly;
use crate::asn1::Time;
use crate::cms::catalog::MemberDigest;
use crate::container::pe::{self, Remains};
use crate::container::{Covers, Format, HashedRegions, ListedBy, Presence, Source, Subject, container_for, read_up_to};
use crate::crypto::{DigestAlgorithm, DigestValue};
use crate::hunt::{self, FileFacts, FoundDigests, Publishers};
use crate::judge::{self, Layout, Policy, Reason, SignaturePolicy, SignatureVerdict, Status};
use crate::record::{self, Driver, Inputs, KernelFacts, PageHashes, Record, Signature, VersionInfo};
use crate::trust::RevocationLists;
use crate::verify::{self, DigestFact, FileDigests, Lists, ParsedSignature, SignatureFacts, Work, parse_tree};

/// A file to be judged.
pub(super) struct File<'f> {
    /// What becomes its record's path.
    pub(super) name: &'f str,
    pub(super) source: &'f dyn Source,
    pub(super) format: Format,
    /// Where to read blocks into.
    pub(super) buffer: &'f mut Vec<u8>,
}

/// A file whose container has been read.
struct Opened<'s> {
    subject: &'s Subject,
    tree: Vec<ParsedSignature<'s>>,
    anomalies: Vec<Anomaly>,
}

impl<'s> Opened<'s> {
    fn new(subject: &'s Subject) -> Opened<'s> {
        let (tree, truncated) = parse_tree(subject.signatures.blobs(), subject.covers);
        let mut anomalies = subject.anomalies.clone();
        if truncated {
            let message = format!("signatures after the first {} were not read", verify::MAX_SIGNATURES);
            anomalies.push(Anomaly::new("signature-limit", message));
        }
        Opened { subject, tree, anomalies }
    }
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
    /// The digest that a signature states of another file than this one.
    foreign: Option<MemberDigest>,
    /// By which of its digests catalogs list it.
    listed_by: ListedBy,
}

/// A file whose layout has been read.
struct ReadFile<'r> {
    size: u64,
    format: Format,
    subject: &'r Subject,
    tree: &'r [ParsedSignature<'r>],
    version: Option<pe::version::VersionInfo>,
    anomalies: Vec<Anomaly>,
    remains: Remains,
}

/// What the pass over a file found.
pub(super) struct Digested {
    pub(super) computed: Digests,
    pub(super) reported: Digests,
    pub(super) page_hashes: Vec<Option<PageHashes>>,
    pub(super) first_page: BTreeMap<DigestAlgorithm, DigestValue>,
    /// Whether its SHA-256 belongs into the record.
    pub(super) tells_first_page: bool,
}

impl Scanner {
    /// Judges a file by what is in it, and then by the catalogs that list it.
    pub(super) fn inspect(&self, file: File<'_>) -> io::Result<Record> {
        self.inspect_alone(file, &self.listed()).map(|inspected| self.beside_catalogs(inspected))
    }

    /// As [`Scanner::inspect`] for two files at once. `None` where they have to be judged one by one.
    pub(super) fn inspect_together(&self, files: [File<'_>; 2]) -> Option<[io::Result<Record>; 2]> {
        let inspected = self.inspect_two(files, &self.listed())?;
        Some(inspected.map(|inspected| inspected.map(|inspected| self.beside_catalogs(inspected))))
    }

    /// Algorithms of the digests that catalogs list.
    fn listed(&self) -> Vec<DigestAlgorithm> {
        self.catalogs.as_ref().map(|catalogs| catalogs.index.algorithms()).unwrap_or_default()
    }

    /// Looks a file up in the catalogs, and concludes.
    fn beside_catalogs(&self, inspected: Inspected) -> Record {
        let Inspected { mut record, digests, mut driver, foreign, listed_by, .. } = inspected;
        if let Some(catalogs) = &self.catalogs {
            let found = catalogs.look_up(self, &digests, listed_by);
            record.anomalies.extend(found.anomalies);
            if let Some(driver) = &mut driver {
                driver.context.catalogs_checked = found.hit.is_some() || !found.missed;
            }
            match found.hit {
                None if found.missed => {} // one that could not be read may be the one
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
            if let Some(hit) = catalogs.search(self, foreign.into_iter()).hit {
                hunt::donor_in_catalog(&mut record, &hit.record);
            }
        }
        self.conclude(&mut record, driver.as_ref());
        if self.options.findings && record.version_info.is_some() {
            hunt::claim_findings(&mut record, Publishers::embedded());
        }
        record
    }

    /// A catalog judged without a look at catalogs: its record, its deciding signature, and what that says to the kernel.
    pub(super) fn judge_catalog(
        &self,
        name: &str,
        source: &dyn Source,
    ) -> (Record, Option<Signature>, Option<KernelFacts>) {
        let file = File { name, source, format: Format::Cat, buffer: &mut Vec::new() };
        match self.inspect_alone(file, &[]) {
            Ok(Inspected { record, deciding, kernel, .. }) => {
                let signature = deciding.and_then(|index| record.signatures.get(index)).cloned();
                let kernel = deciding.and_then(|index| kernel.into_iter().nth(index));
                (record, signature, kernel)
            }
            Err(error) => (self.io_error(name, Format::Cat, &error), None, None),
        }
    }

    /// Judges a file by what is in it; `listed` are the algorithms of digests that catalogs list.
    fn inspect_alone(&self, file: File<'_>, listed: &[DigestAlgorithm]) -> io::Result<Inspected> {
        let Some(container) = container_for(file.format) else { return self.uncontained(file, listed) };
        let subject = container.open(file.source, &self.options.limits)?;
        let opened = Opened::new(&subject);
        let mut asked = self.ask(&subject, &opened.tree, file.source.len(), listed);
        let job = Job { source: file.source, plan: &mut asked.plan, buffer: &mut *file.buffer };
        let computed = self.pass(job, subject.signatures.blobs())?;
        self.inspect_digested(file, opened, asked, computed)
    }

    /// Judges two files whose bytes go through one pass. `None` where that is nothing for these two.
    fn inspect_two(&self, files: [File<'_>; 2], listed: &[DigestAlgorithm]) -> Option<[io::Result<Inspected>; 2]> {
        let open = |file: &File<'_>| container_for(file.format)?.open(file.source, &self.options.limits).ok();
        let [first, second] = files;
        let (subject_one, subject_two) = (open(&first)?, open(&second)?);
        let (one, two) = (Opened::new(&subject_one), Opened::new(&subject_two));
        let mut ask_one = self.ask(&subject_one, &one.tree, first.source.len(), listed);
        let mut ask_two = self.ask(&subject_two, &two.tree, second.source.len(), listed);
        let jobs = [
            Job { source: first.source, plan: &mut ask_one.plan, buffer: &mut *first.buffer },
            Job { source: second.source, plan: &mut ask_two.plan, buffer: &mut *second.buffer },
        ];
        let blobs = [&subject_one, &subject_two].map(|subject| subject.signatures.blobs());
        let [computed_one, computed_two] = self.pass_together(jobs, blobs);
        Some([
            computed_one.and_then(|computed| self.inspect_digested(first, one, ask_one, computed)),
            computed_two.and_then(|computed| self.inspect_digested(second, two, ask_two, computed)),
        ])
    }

    /// Judges a file whose digests are known.
    fn inspect_digested(
        &self,
        file: File<'_>,
        opened: Opened<'_>,
        asked: Asked<'_>,
        computed: Digests,
    ) -> io::Result<Inspected> {
        let File { name, source, format, buffer } = file;
        let Opened { subject, tree, mut anomalies } = opened;
        let digested = self.answer(source, subject, asked, computed)?;
        if let (Some(facts), true) = (&subject.pe, !tree.is_empty()) {
            anomalies.extend(self.section_layout(source, facts, &digested.reported, &tree, buffer)?);
        }
        let version = self.version(source, subject)?;
        let remains = match &subject.pe {
            Some(facts) if !tree.is_empty() => {
                let is_read = |blob| tree.iter().any(|one| one.blob == blob && one.level == 0 && one.body.is_ok());
                let sum = digested.computed.sum.as_ref();
                pe::remains(source, facts, subject.signatures.blobs(), is_read, sum)?
            }
            _ => Remains::default(),
        };
        let read = ReadFile { size: source.len(), format, subject, tree: &tree, version, anomalies, remains };
        Ok(self.judge(name, read, digested))
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
            // What a catalog lists stands in its first signature's content; any other was signed for another list.
            _ if read.subject.covers == Covers::Itself => {
                judge::deciding_signature(&verdicts, SignaturePolicy::Primary)
            }
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
            version: read.version.as_ref().filter(|_| self.shows_version(read.subject)).map(shown_version),
            first_page: digested
                .first_page
                .get(&DigestAlgorithm::Sha256)
                .filter(|_| digested.tells_first_page)
                .map(ToString::to_string),
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
                version: read.version.as_ref(),
                digests: FoundDigests {
                    file: &digested.computed.file,
                    authentihash: &digested.computed.authentihash,
                    first_page: &digested.first_page,
                },
                blocked: &self.blocked,
                allowed: &self.allowed,
                trust: &self.trust,
                names: &self.names,
                memo: &self.memo,
                now,
            });
        }
        let foreign = facts.iter().find_map(foreign_digest);
        let listed_by = read.subject.listed_by(read.size);
        Inspected { record, deciding, digests: digested.computed, kernel, driver, foreign, listed_by }
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
    fn uncontained(&self, file: File<'_>, listed: &[DigestAlgorithm]) -> io::Result<Inspected> {
        let File { name, source, format, buffer } = file;
        let mut plan = Plan::new(self.options.file_hashes(), Vec::new(), HashedRegions::default());
        let listed_by = ListedBy::of_kind(format);
        plan.look_up(listed, listed_by);
        let digests = self.pass(Job { source, plan: &mut plan, buffer }, &[])?;
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
            first_page: None,
            anomalies: Vec::new(),
            message,
            now: self.options.now,
            policy: (&self.options).into(),
            trust: &self.trust,
        };
        let record = record::build(name, inputs);
        Ok(Inspected { record, deciding: None, digests, kernel: Vec::new(), driver: None, foreign: None, listed_by })
    }

    /// Whether the version resource belongs into the record.
    fn shows_version(&self, subject: &Subject) -> bool {
        self.options.version_info && (subject.signatures.is_any() || self.options.hashes != HashMode::None)
    }

    fn version(&self, source: &dyn Source, subject: &Subject) -> io::Result<Option<pe::version::VersionInfo>> {
        let listed = self.options.findings && self.blocked.name_attributes();
        let pe = subject.pe.as_ref().filter(|_| listed || self.shows_version(subject));
        let Some((facts, (rva, _))) = pe.and_then(|facts| Some((facts, facts.resource_directory()?))) else {
            return Ok(None);
        };
        let mut read = |offset: u64, length: usize| read_up_to(source, offset, length);
        pe::version::version_info(&facts.sections, rva, &mut read)
    }
}

/// A version resource as records have it, and the SHA-256 of its data.
fn shown_version(info: &pe::version::VersionInfo) -> (VersionInfo, String) {
    let fixed = info.fixed_file_version.map(|parts| parts.map(|part| part.to_string()).join("."));
    let sha256 = crate::hex::lower(&info.resource_sha256);
    let shown = VersionInfo {
        company: info.company_name.clone(),
        product: info.product_name.clone(),
        description: info.file_description.clone(),
        original_filename: info.original_filename.clone(),
        file_version: info.file_version.clone().or(fixed),
        legal_copyright: info.legal_copyright.clone(),
    };
    (shown, sha256)
}

fn texts(digests: &BTreeMap<DigestAlgorithm, DigestValue>) -> BTreeMap<String, String> {
    digests.iter().map(|(algorithm, value)| (algorithm.name().to_owned(), value.to_string())).collect()
}

fn layout(subject: &Subject, length: u64) -> Layout {
    Layout {
        table_inside: subject.pe.as_ref().is_some_and(|facts| !facts.hides_nothing(length)),
        malformed: matches!(subject.signatures, Presence::Malformed { .. }),
    }
}

/// What a signature says of the file that it was made for, where this is not that file.
fn foreign_digest(signature: &SignatureFacts<'_>) -> Option<MemberDigest> {
    let content = signature.content.as_ref().filter(|content| content.digest == DigestFact::Mismatch)?;
    let file = content.body.content.file()?;
    MemberDigest::new(DigestAlgorithm::from_oid(file.digest_algorithm.oid)?, file.digest)
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
