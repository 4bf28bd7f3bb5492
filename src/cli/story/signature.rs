//! The parts of a story that tell of signatures.

use super::chain::{compact, tree};
use super::{algorithm_name, ink_span, marked, shown};
use crate::cli::page::{Page, Span, faint, plain};
use crate::cli::style::Ink;
use crate::cli::words::{Verdict, grouped, moment, name_of, short};
use crate::judge::Reason;
use crate::record::{PageHashes, Record, Signature, Timestamp, TimestampFault, TimestampKind};

/// What was signed: digests, page hashes, the program's name.
pub(super) fn what(page: &mut Page, signature: &Signature) {
    page.label("Digest");
    match (&signature.signed_digest, &signature.computed_digest) {
        (Some(signed), Some(computed)) if signed == computed => {
            page.line(&[digest_verdict(signature)]);
            page.line(&[plain(signed.clone())]);
        }
        (Some(signed), computed) => {
            page.line(&[digest_verdict(signature)]);
            let empty = |digest: &str| if digest.is_empty() { "(empty)".to_owned() } else { digest.to_owned() };
            page.line(&[faint("signed "), plain(empty(signed))]);
            if let Some(computed) = computed {
                page.line(&[faint("this file "), plain(computed.clone())]);
            }
        }
        (None, _) => page.line(&[ink_span(Ink::Bad, "✘ no digest can be read from the signature")]),
    }
    page.label("Pages");
    if let Some(pages) = &signature.page_hashes {
        page.line(&page_hashes(pages));
    }
    page.label("Program");
    let named = [&signature.program_name, &signature.more_info];
    let named: Vec<String> = named.into_iter().flatten().map(|text| format!("“{}”", shown(text))).collect();
    if !named.is_empty() {
        page.line(&[plain(named.join(", ")), faint(" (the signer's words)")]);
    }
    page.label("");
}

/// Whether the digest is this file's, in a mark and words.
fn digest_verdict(signature: &Signature) -> Span {
    let algorithm = signature.digest_algorithm.as_deref().map(algorithm_name).unwrap_or_default();
    let holds = match (&signature.signed_digest, &signature.computed_digest) {
        (Some(signed), Some(computed)) => Some(signed == computed),
        _ => None,
    };
    let (ink, mark) = marked(holds);
    let words = match holds {
        Some(true) => "is this file's",
        Some(false) => "is not this file's",
        None => "cannot be computed here",
    };
    (ink, format!("{mark}the signed {algorithm} digest {words}"))
}

fn page_hashes(pages: &PageHashes) -> Vec<Span> {
    let (ink, mark) = marked(pages.matched);
    let count = format!("{} {} page hashes", grouped(pages.count as u64), algorithm_name(&pages.algorithm));
    let words = match (pages.matched, pages.first_mismatch, &pages.problem) {
        (Some(true), ..) => format!("{mark}all {count} match"),
        (Some(false), Some(at), _) => format!("{mark}{count}: the page at {at:#x} differs"),
        (Some(false), None, _) => format!("{mark}{count} do not match"),
        (None, _, Some(problem)) => format!("{mark}{count} could not be compared: {}", shown(problem)),
        (None, _, None) => format!("{mark}{count} could not be compared"),
    };
    let mut line = vec![(ink, words)];
    if pages.matched == Some(false) {
        line.push(faint(" (no part of the verdict: Windows looks at them only when it loads code)"));
    }
    line
}

/// When it was signed, as far as anybody proves it.
pub(super) fn when(page: &mut Page, record: &Record, signature: &Signature) {
    page.label("When");
    if signature.problem.is_some() {
        page.label("");
        return;
    }
    let now = moment(&record.judged_at);
    if signature.timestamps.is_empty() {
        page.line(&[plain(format!("no timestamp: judged as of {now}"))]);
        return;
    }
    for timestamp in &signature.timestamps {
        let several = signature.timestamps.len() > 1;
        page.line(&stamp(timestamp, several));
        if !timestamp.chain.is_empty() {
            page.hanging("  ", "    ", &compact(&timestamp.chain));
        }
    }
    if !signature.timestamps.iter().any(|timestamp| timestamp.used) {
        page.line(&[plain(format!("no usable timestamp: judged as of {now}"))]);
    }
}

fn stamp(timestamp: &Timestamp, several: bool) -> Vec<Span> {
    let time = timestamp.time.as_deref().map_or_else(|| "at no readable time".to_owned(), moment);
    let kind = match timestamp.kind {
        TimestampKind::Rfc3161 => "RFC 3161 timestamp",
        TimestampKind::Pkcs9 => "PKCS#9 counter-signature",
    };
    let authority = match &timestamp.authority {
        Some(signer) => format!("by “{}”", shown(name_of(signer))),
        None => "by an unknown authority".to_owned(),
    };
    let (ink, mark) = marked(Some(timestamp.verified));
    let mut words = match fault(timestamp) {
        None if timestamp.verified => "verified".to_owned(),
        None => "not verified".to_owned(),
        Some(why) => format!("proves nothing ({why})"),
    };
    if several && timestamp.used {
        words.push_str(", the one that counts");
    }
    vec![(ink, mark.to_owned()), (Ink::Strong, time), plain(format!(", {kind} {authority}: ")), (ink, words)]
}

/// Why a timestamp proves nothing.
fn fault(timestamp: &Timestamp) -> Option<String> {
    let fault = timestamp.fault.map(|fault| match fault {
        TimestampFault::Malformed => "it cannot be read",
        TimestampFault::Imprint => "it was made for another signature",
        TimestampFault::Signature => "the authority's signature does not hold",
        TimestampFault::NoCertificate => "the authority's certificate is missing",
        TimestampFault::NoTime => "it states no time",
        TimestampFault::BadAlgorithm => "Windows refuses its algorithm",
        TimestampFault::UnsupportedAlgorithm => "sigscan does not know its algorithm",
        TimestampFault::Limit => "the limit of work was reached before it was verified",
    });
    let chain = || timestamp.chain_reasons.first().map(|reason| authority_fault(*reason));
    fault.or_else(chain).map(str::to_owned)
}

fn authority_fault(reason: Reason) -> &'static str {
    match reason {
        Reason::SelfSigned => "the authority vouches for itself",
        Reason::UntrustedRoot => "the authority's root is not trusted",
        Reason::ChainIncomplete => "an issuer of the authority is missing",
        Reason::WrongUsage | Reason::RootEku => "the authority is not meant for timestamps",
        Reason::TimestampOutsideValidity | Reason::CertExpired | Reason::CertNotYetValid => {
            "the authority's certificate was not valid at that time"
        }
        other => short(other),
    }
}

/// Who vouches for the signer.
pub(super) fn chain(page: &mut Page, record: &Record, signature: &Signature) {
    if signature.chain.is_empty() {
        return;
    }
    page.label("Chain");
    if signature.claimed_signer.is_some() {
        page.line(&[(
            Ink::Doubtful,
            "of the certificate that is only claimed; it says nothing about these bytes".to_owned(),
        )]);
    }
    let used = signature.timestamps.iter().find(|timestamp| timestamp.used);
    let counted = used.and_then(|timestamp| timestamp.time.as_deref()).unwrap_or(&record.judged_at);
    let mut chain = signature.chain.clone();
    // Facts about a chain do not include this one, because it follows from the signer's usages and the moment.
    let lifetime = Reason::LifetimeExpired;
    if let (Some(leaf), true) =
        (chain.first_mut(), signature.reason == lifetime || signature.other_reasons.contains(&lifetime))
    {
        leaf.problems.push(lifetime);
    }
    tree(page, &chain, counted, &record.judged_at);
}

/// Every other signature, shortly.
pub(super) fn others(page: &mut Page, record: &Record, deciding: Option<&Signature>) {
    page.label("Also signed");
    let deciding = deciding.map(|signature| signature.index);
    for signature in record.signatures.iter().filter(|signature| Some(signature.index) != deciding) {
        let verdict = Verdict::of(signature.status, signature.reason);
        let place = match signature.nested_in {
            None if signature.index == 0 => "signature 0, in the file itself".to_owned(),
            Some(outer) => format!("signature {}, nested in {outer}", signature.index),
            None => format!("signature {}, a further table entry", signature.index),
        };
        let why = match short(signature.reason) {
            "" => String::new(),
            words => format!(" ({words})"),
        };
        page.line(&[plain(format!("{place}: ")), ink_span(Ink::Verdict(verdict), verdict.word()), plain(why)]);
        brief(page, signature);
    }
    page.label("");
}

fn brief(page: &mut Page, signature: &Signature) {
    let mut line = |spans: &[Span]| page.hanging("  ", "    ", spans);
    if let Some(problem) = &signature.problem {
        return line(&[plain(shown(problem))]);
    }
    line(&[digest_verdict(signature)]);
    match (&signature.signer, &signature.claimed_signer) {
        (Some(signer), _) => line(&[plain(format!("signer “{}”", shown(name_of(signer))))]),
        (None, Some(signer)) => {
            line(&[plain(format!("signer “{}”", shown(name_of(signer)))), ink_span(Ink::Bad, " is only claimed")]);
        }
        (None, None) => line(&[ink_span(Ink::Bad, "the signer's certificate is not there")]),
    }
    for timestamp in &signature.timestamps {
        line(&stamp(timestamp, signature.timestamps.len() > 1));
    }
    if signature.timestamps.is_empty() {
        line(&[plain("no timestamp")]);
    }
    if !signature.chain.is_empty() {
        line(&compact(&signature.chain));
    }
}
