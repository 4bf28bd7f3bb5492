//! The story of one file: what was signed, by whom, when, who vouches for it, and what to make of it.

pub mod advice;
pub(super) mod chain;
mod kernel;
mod signature;

use super::page::{Page, Span, faint, plain};
use super::style::{Ink, Style};
use super::words::{Verdict, grouped, moment, name_of, plural, signer_of};
use crate::anomaly::FOREIGN_CONTENT;
use crate::judge::{Profile, Reason, Status};
use crate::output::escape::for_terminal;
use crate::record::{Finding, Format, Record, Revocation, Signature, Signer};

/// How a story looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoryOptions {
    /// Columns of the terminal; 0 wraps nothing.
    pub width: usize,
    /// ANSI colours.
    pub colour: bool,
}

/// Tells one record's story. Everything in it that comes from the file is harmless for a terminal.
#[must_use]
pub fn story(record: &Record, options: &StoryOptions) -> String {
    let mut page = Page::new(options.width, Style { colour: options.colour });
    headline(&mut page, record);
    page.gap();
    advise(&mut page, record);
    page.gap();
    file(&mut page, record);
    if let Some(catalog) = record.deciding_catalog() {
        catalog_line(&mut page, record, catalog);
        who(&mut page, record, catalog);
        signature::when(&mut page, record, catalog);
        signature::chain(&mut page, record, catalog);
        signature::others(&mut page, record, None);
    } else if let Some(deciding) = deciding(record) {
        signature::what(&mut page, deciding);
        who(&mut page, record, deciding);
        signature::when(&mut page, record, deciding);
        signature::chain(&mut page, record, deciding);
        signature::others(&mut page, record, Some(deciding));
        if let Some(catalog) = &record.catalog_signature {
            catalog_line(&mut page, record, catalog);
        }
    }
    kernel::kernel(&mut page, record);
    findings(&mut page, record);
    oddities(&mut page, record);
    basis(&mut page, record);
    page.finish()
}

/// Text from the file, harmless.
fn shown(text: &str) -> String {
    for_terminal(text).into_owned()
}

/// The signature whose verdict became the file's.
fn deciding(record: &Record) -> Option<&Signature> {
    record.signatures.iter().find(|signature| record.is_decided_by(signature)).or_else(|| record.signatures.first())
}

/// Through which catalog the file is signed, and by whom.
fn catalog_line(page: &mut Page, record: &Record, signature: &Signature) {
    page.label("Catalog");
    let signer = signature.signer.as_ref().or(signature.claimed_signer.as_ref());
    let name = signer.map_or("nobody that can be named", name_of);
    let path = shown(&record.catalog);
    let verdict = Verdict::of(signature.status, signature.reason);
    if signature.status == Status::Valid {
        let words = format!("✔ signed through catalog {path} by “{}”", shown(name));
        page.line(&[(Ink::Good, words)]);
    } else {
        let words = format!("✘ listed in catalog {path}, which is {} ({})", verdict.word(), signature.reason.code());
        page.line(&[(Ink::Verdict(verdict), words)]);
    }
    page.label("");
}

fn headline(page: &mut Page, record: &Record) {
    page.headline(&[(Ink::Strong, shown(&record.path))]);
    if let Some(hex) = &record.path_hex {
        page.headline(&[faint(format!("(not UTF-8; in hexadecimal {hex})"))]);
    }
    page.gap();
    let verdict = Verdict::of(record.status, record.reason);
    let mark = match record.status {
        Status::Valid => "✔",
        Status::Unsigned => "–",
        Status::Error => "?",
        _ => "✘",
    };
    let word = (Ink::Verdict(verdict), format!("{mark} {}", verdict.word().to_uppercase()));
    let meaning = special(record).map_or(record.reason.row().meaning, |special| special.headline);
    page.beside(&[], &[word, plain(format!(": {meaning}"))]);
    let mut codes = record.reason.code().to_owned();
    if let Some(hresult) = &record.hresult {
        codes = format!("{codes}, Windows would return {hresult}");
    }
    page.beside(&[plain("  ")], &[faint(codes)]);
    for reason in &record.other_reasons {
        page.beside(&[faint("  also ")], &[faint(format!("{}: {}", reason.code(), reason.row().meaning))]);
    }
}

fn advise(page: &mut Page, record: &Record) {
    if let Some(detail) = detail(record) {
        page.label("Detail");
        page.line(&[plain(shown(detail))]);
    }
    let unlisted = record.reason == Reason::NoSignature && record.catalog != "not-checked";
    let special = special(record).map(|special| &special.advice);
    let advice = special.or_else(|| match record.reason {
        _ if unlisted => Some(&advice::UNLISTED),
        Reason::TimestampOutsideValidity if is_stamped_early(record) => Some(&advice::STAMPED_EARLY),
        reason => advice::on(reason),
    });
    let Some(advice) = advice else { return };
    page.label("Meaning");
    let meaning = match (unsigned_octets(record), record.status) {
        (Some(octets), Status::Valid) => advice::valid_but_for(&octets),
        // The signature is intact, and says nothing of these.
        (Some(octets), Status::Expired | Status::Revoked | Status::Untrusted) => {
            format!("{} Nobody signed {octets} of it (see Findings).", advice.meaning)
        }
        _ => advice.meaning.to_owned(),
    };
    page.line(&[plain(meaning)]);
    page.label("Next");
    page.line(&[plain(advice.next)]);
    beside(page, record);
}

/// How many octets of the file nobody signed, where findings say that there are such: behind a signature, or within it where
/// nothing needs them.
fn unsigned_octets(record: &Record) -> Option<String> {
    let hidden = record.findings.iter().filter(|finding| matches!(&*finding.code, "S106" | "S109"));
    let lengths = hidden.filter_map(|finding| finding.evidence.get("length")?.as_u64());
    let octets = lengths.fold(0, u64::saturating_add);
    (octets > 0).then(|| plural(octets, "byte", "bytes"))
}

/// Whether the timestamp is older than the signer's certificate. Moments of one form are in the order of their texts.
fn is_stamped_early(record: &Record) -> bool {
    let Some(signature) = deciding(record) else { return false };
    let start = signature.signer.as_ref().and_then(|signer| signer.not_before.as_deref());
    let stamped = signature.timestamps.iter().find(|stamp| stamp.used).and_then(|stamp| stamp.time.as_deref());
    stamped.zip(start).is_some_and(|(stamped, start)| stamped < start)
}

/// That another signature of the file is good, which whoever reads of a bad one will want to know before anything else.
fn beside(page: &mut Page, record: &Record) {
    let is_good = |signature: &Signature| signature.status == Status::Valid;
    if record.status == Status::Valid || deciding(record).is_some_and(is_good) {
        return;
    }
    let Some(good) = record.signatures.iter().find(|signature| is_good(signature)) else { return };
    let Some(signer) = &good.signer else { return };
    page.label("But");
    let words = format!(
        "signature {} of this file is Valid, by “{}”. Windows asks the first one alone; --signature any lets any decide.",
        good.index,
        shown(name_of(signer))
    );
    page.line(&[(Ink::Good, words)]);
}

/// A part of the program lies where no digest covers it.
const LOADED: [&str; 5] =
    ["table-in-section", "table-in-headers", "entry-in-table", "directory-in-table", "fields-overlaid"];

/// The other kinds of malformed: the signature can be read, and something stands beside it that must not.
fn special(record: &Record) -> Option<&'static advice::Special> {
    let signature = deciding(record).filter(|_| record.reason == Reason::Malformed)?;
    let odd = |code: &str| record.anomalies.iter().any(|anomaly| anomaly.code == code);
    match &signature.problem {
        Some(_) if odd(FOREIGN_CONTENT) => Some(&advice::FOREIGN),
        Some(_) => signature.signer.is_some().then_some(&advice::UNSOUND),
        None if LOADED.into_iter().any(odd) => Some(&advice::LOADED),
        None => odd("data-after-table").then_some(&advice::APPENDED),
    }
}

/// What exactly went wrong, where the record says more than the reason does.
fn detail(record: &Record) -> Option<&str> {
    if let Some(error) = &record.error {
        return Some(error.message.as_str()).filter(|message| *message != record.reason.row().meaning);
    }
    if record.reason != Reason::Malformed {
        return None;
    }
    let anomaly = |code: &str| record.anomalies.iter().find(|anomaly| anomaly.code == code);
    let problem = deciding(record).and_then(|signature| signature.problem.as_deref());
    problem.or_else(|| {
        let first = anomaly("malformed-signature").or_else(|| LOADED.into_iter().find_map(anomaly));
        let told = first.or_else(|| anomaly("data-after-table"));
        told.map(|anomaly| anomaly.message.as_str())
    })
}

fn file(page: &mut Page, record: &Record) {
    page.label("File");
    let kind = match record.format {
        Format::Other if record.reason == Reason::NoSignature => "script without a signature block".to_owned(),
        Format::Other => "of no kind that can be signed".to_owned(),
        Format::Script => "script with a signature block".to_owned(),
        Format::Office => "Office document with a VBA project".to_owned(),
        Format::Eappx => "encrypted package".to_owned(),
        format => format.name().to_uppercase(),
    };
    match record.size {
        Some(size) => page.line(&[plain(format!("{kind}, {} bytes", grouped(size)))]),
        None => page.line(&[plain("its bytes could not be read")]),
    }
    for (algorithm, digest) in &record.hashes {
        page.line(&[faint(format!("{} ", algorithm_name(algorithm))), plain(digest.clone())]);
    }
    if deciding(record).is_none() {
        for (algorithm, digest) in &record.authentihash {
            page.line(&[faint(format!("Authentihash {} ", algorithm_name(algorithm))), plain(digest.clone())]);
        }
    }
    version(page, record);
}

/// The names that the file gives itself, beside the one who signed it.
fn version(page: &mut Page, record: &Record) {
    let Some(version) = &record.version_info else { return };
    let known = [
        ("", &version.description),
        ("product ", &version.product),
        ("version ", &version.file_version),
        ("original name ", &version.original_filename),
    ];
    let parts: Vec<String> = known
        .into_iter()
        .filter_map(|(title, value)| value.as_ref().map(|value| format!("{title}“{}”", shown(value))))
        .collect();
    if !parts.is_empty() || version.company.is_some() {
        page.label("Calls itself");
    }
    if !parts.is_empty() {
        page.line(&[plain(parts.join(", "))]);
    }
    if let Some(company) = &version.company {
        let mut line = vec![plain(format!("company “{}”", shown(company)))];
        if let Some((signer, verified)) = signer_of(record) {
            let who = if verified { "signer" } else { "claimed signer" };
            line.push(match &signer.organization {
                Some(name) if name == company => faint(format!("; the {who}'s organization is the same")),
                Some(name) => (Ink::Doubtful, format!("; the {who}'s organization is “{}”", shown(name))),
                None => faint(format!("; the {who}'s certificate names no organization")),
            });
        }
        page.line(&line);
    }
}

fn who(page: &mut Page, record: &Record, signature: &Signature) {
    page.label("Signer");
    let claimed = signature.claimed_signer.as_ref();
    let Some(signer) = signature.signer.as_ref().or(claimed) else {
        let text = if signature.problem.is_some() { "cannot be read" } else { "its certificate is not there" };
        page.line(&[(Ink::Bad, format!("✘ {text}"))]);
        return;
    };
    let name = (Ink::Strong, format!("“{}”", shown(name_of(signer))));
    if claimed.is_some() {
        let words = if record.status == Status::Error {
            " is only claimed: the signature could not be verified"
        } else {
            " is only claimed: the signature does not hold for these bytes"
        };
        page.line(&[(Ink::Bad, "✘ ".to_owned()), name, (Ink::Bad, words.to_owned())]);
    } else if vouched_for(signature) {
        page.line(&[(Ink::Good, "✔ ".to_owned()), name, (Ink::Good, format!(" signed {}", these_bytes(record)))]);
    } else {
        let words = format!(
            " by its own account: the key signed {}, but nobody trusted vouches for the name",
            these_bytes(record)
        );
        page.line(&[(Ink::Doubtful, "? ".to_owned()), name, (Ink::Doubtful, words)]);
    }
    identity(page, signer);
}

fn these_bytes(record: &Record) -> String {
    match unsigned_octets(record) {
        None => "exactly these bytes".to_owned(),
        Some(octets) => format!("these bytes, except {octets} that nobody signed"),
    }
}

/// Whether the chain reached a root of the trust store, whatever else is wrong.
fn vouched_for(signature: &Signature) -> bool {
    let unconfirmed =
        [Reason::CertSignature, Reason::ExplicitDistrust, Reason::WeakSignature, Reason::BasicConstraints];
    signature.chain.last().is_some_and(|last| last.trusted_root)
        && !unconfirmed.iter().any(|reason| signature.reason == *reason || signature.other_reasons.contains(reason))
}

fn identity(page: &mut Page, signer: &Signer) {
    page.line(&[plain(shown(&signer.subject))]);
    page.line(&[faint("issued by "), plain(shown(&signer.issuer))]);
    page.line(&[faint("serial "), plain(shown(&signer.serial))]);
    page.line(&[faint("SHA-1 "), plain(signer.thumbprint_sha1.clone())]);
    page.line(&[faint("SHA-256 "), plain(signer.thumbprint_sha256.clone())]);
}

/// What was found, worst first.
fn findings(page: &mut Page, record: &Record) {
    let mut found: Vec<&Finding> = record.findings.iter().collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    page.label("Findings");
    for finding in found {
        let (ink, word) = super::words::severity(finding.severity);
        let code = format!("{} {}", finding.code, finding.title);
        page.line(&[(ink, word.to_lowercase()), plain(format!(" {code}"))]);
    }
    page.label("");
}

fn oddities(page: &mut Page, record: &Record) {
    let told = detail(record);
    page.label("Odd");
    for anomaly in record.anomalies.iter().filter(|anomaly| Some(anomaly.message.as_str()) != told) {
        let place = anomaly.offset.map(|offset| format!(" (at {offset:#x})")).unwrap_or_default();
        page.line(&[plain(format!("{}{place}", shown(&anomaly.message)))]);
    }
    for signature in &record.signatures {
        for attribute in signature.unauthenticated_attributes.iter().filter(|attribute| attribute.name.is_none()) {
            let oid = shown(&attribute.oid);
            page.line(&[plain(format!("unsigned attribute {oid} of {} bytes", grouped(attribute.size as u64)))]);
        }
    }
    page.label("");
}

fn basis(page: &mut Page, record: &Record) {
    let mut unchecked = Vec::new();
    match record.revocation {
        Revocation::NotChecked => unchecked.push("revocation"),
        Revocation::Unknown => unchecked.push("revocation of every certificate (no current list, see Chain)"),
        Revocation::Good | Revocation::Revoked => {}
    }
    if record.catalog == "none" && record.status != Status::Error {
        page.label("Catalogs");
        page.line(&[plain("in none of those that were looked at")]);
    }
    if record.catalog == "not-checked" {
        unchecked.push("catalogs");
    }
    if !unchecked.is_empty() && record.status != Status::Error {
        page.label("Not checked");
        page.line(&[plain(unchecked.join(", "))]);
    }
    page.label("Judged");
    let store = &record.trust_store;
    let mut text = format!("as of {}, trusting {}", moment(&record.judged_at), shown(&store.name));
    if !store.date.is_empty() {
        text = format!("{text} of {}", shown(super::words::date(&store.date)));
    }
    if !store.disallowed.is_empty() {
        text = format!("{text}, distrusting what {} names", shown(&store.disallowed.join(", ")));
    }
    match record.policy.name {
        Profile::Windows => {}
        profile => text = format!("{text}, by the policy {}", profile.name()),
    }
    page.line(&[plain(text)]);
}

/// `SHA-256` for `sha256`.
fn algorithm_name(algorithm: &str) -> String {
    match algorithm.strip_prefix("sha") {
        Some(bits) if bits.starts_with(|c: char| c.is_ascii_digit()) => format!("SHA-{bits}"),
        _ if algorithm.starts_with("md") => algorithm.to_uppercase(),
        _ => shown(algorithm),
    }
}

/// A mark and a word for something that holds, does not, or is not known.
fn marked(holds: Option<bool>) -> (Ink, &'static str) {
    match holds {
        Some(true) => (Ink::Good, "✔ "),
        Some(false) => (Ink::Bad, "✘ "),
        None => (Ink::Doubtful, "? "),
    }
}

fn ink_span(ink: Ink, text: impl Into<String>) -> Span {
    (ink, text.into())
}
