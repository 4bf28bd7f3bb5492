//! Chains as trees, from the root down to the leaf.

use super::shown;
use crate::cli::page::{Page, Span, faint, plain};
use crate::cli::style::Ink;
use crate::cli::words::{date, name_in, short};
use crate::judge::Reason;
use crate::record::{ChainCertificate, Revocation, RevocationKind, Source};

/// Draws a chain (leaf first, as records hold it) with the root on top. `moment` is the one that counted and `now`
/// the one that counts as now.
pub(in crate::cli) fn tree(page: &mut Page, chain: &[ChainCertificate], moment: &str, now: &str) {
    let anchored = chain.last().is_some_and(|last| last.trusted_root);
    let mut depth = 0usize;
    if let Some(issuer) = missing_issuer(chain) {
        let words = ": missing, neither in the signature nor in the trust store";
        page.line(&[(Ink::Bad, "? ".to_owned()), plain(shown(&name_in(issuer))), (Ink::Bad, words.to_owned())]);
        depth = 1;
    }
    let last = chain.len().saturating_sub(1);
    for (index, certificate) in chain.iter().rev().enumerate() {
        let indent = "   ".repeat(depth.saturating_sub(1));
        let (first, rest) = match depth {
            0 => (String::new(), String::new()),
            _ => (format!("{indent}└─ "), format!("{indent}   ")),
        };
        let rest = if index < last { format!("{rest}│  ") } else { format!("{rest}   ") };
        let mut line = verdict(certificate, anchored, moment, now);
        line.insert(1, (Ink::Strong, format!("{}: ", shown(&name_in(&certificate.subject)))));
        page.hanging(&first, &rest, &line);
        page.hanging(&rest, &rest, &[faint(details(certificate))]);
        depth = depth.saturating_add(1);
    }
}

/// The issuer that was not found, when the search ended for want of one.
fn missing_issuer(chain: &[ChainCertificate]) -> Option<&str> {
    let top = chain.last()?;
    let missing = !top.trusted_root && top.problems.contains(&Reason::ChainIncomplete);
    (missing && top.issuer != top.subject).then_some(top.issuer.as_str())
}

/// A mark, and what is to be said of one certificate.
fn verdict(certificate: &ChainCertificate, anchored: bool, moment: &str, now: &str) -> Vec<Span> {
    let problems: Vec<String> = certificate.problems.iter().map(|reason| problem(*reason, certificate)).collect();
    let ends = certificate.not_after.as_deref().filter(|end| *end < now && *end >= moment);
    let since = ends
        .filter(|_| problems.is_empty())
        .map(|end| faint(format!(" (expired since, on {}; counted at the timestamp)", date(end))));
    let (ink, mark, words) = match (problems.is_empty(), certificate.trusted_root) {
        (true, true) => (Ink::Good, "✔ ", "trusted root".to_owned()),
        (true, false) if anchored => (Ink::Good, "✔ ", "holds".to_owned()),
        (true, false) => (Ink::Faint, "· ", "leads to nobody trusted".to_owned()),
        (false, _) => (Ink::Bad, "✘ ", problems.join("; ")),
    };
    let mut spans = vec![(ink, mark.to_owned()), (ink, words)];
    spans.extend(since);
    spans.extend(revoked_later(certificate));
    spans
}

/// A revocation that did not decide: of a certificate that signed before, or of a time authority.
fn revoked_later(certificate: &ChainCertificate) -> Option<Span> {
    let told = revoked(certificate).filter(|_| !certificate.problems.contains(&Reason::CertRevoked))?;
    let decided = certificate.revocation.as_ref().is_some_and(|one| one.status == Revocation::Revoked);
    let why = if decided { "which Windows ignores for timestamps" } else { "after the timestamp" };
    Some((Ink::Doubtful, format!(" ({told}, {why})")))
}

/// `revoked on 2025-01-01 (keyCompromise)`, for a certificate that a list names.
fn revoked(certificate: &ChainCertificate) -> Option<String> {
    let told = certificate.revocation.as_ref()?;
    if told.revoked_at.is_none() && told.status != Revocation::Revoked {
        return None;
    }
    let day = told.revoked_at.as_deref().map_or("an unreadable date", date);
    let reason = told.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(format!("revoked on {day}{reason}"))
}

/// What is wrong with a certificate, with the date where it is about one.
fn problem(reason: Reason, certificate: &ChainCertificate) -> String {
    let day = |time: &Option<String>| time.as_deref().map_or("an unreadable date", date).to_owned();
    match reason {
        Reason::CertExpired => format!("expired on {}", day(&certificate.not_after)),
        Reason::LifetimeExpired => format!("ended on {}, and what it signed with it", day(&certificate.not_after)),
        Reason::CertNotYetValid => format!("valid only from {}", day(&certificate.not_before)),
        Reason::TimestampOutsideValidity => "the timestamp lies outside its validity".to_owned(),
        Reason::CertRevoked => revoked(certificate).unwrap_or_else(|| short(reason).to_owned()),
        Reason::SelfSigned => "signed by itself, trusted by nobody".to_owned(),
        Reason::UntrustedRoot => "a root that is not trusted".to_owned(),
        Reason::ChainIncomplete if certificate.subject == certificate.issuer => {
            "names itself as issuer, but no trusted root has this key".to_owned()
        }
        Reason::ChainIncomplete => "not confirmed: its issuer is missing".to_owned(),
        Reason::CertSignature => "not signed by the key of the issuer that it names".to_owned(),
        Reason::ExplicitDistrust => match &certificate.disallowed {
            Some(by) => format!("distrusted by {} ({})", shown(&by.list), by.kind),
            None => short(reason).to_owned(),
        },
        Reason::BasicConstraints => "issued a certificate without being a CA".to_owned(),
        other => short(other).to_owned(),
    }
}

fn details(certificate: &ChainCertificate) -> String {
    let day = |time: &Option<String>| time.as_deref().map_or("?", date).to_owned();
    let origin = match certificate.source {
        Source::Signature => "from the signature",
        Source::Timestamp => "from the timestamp",
        Source::Outer => "from the outer signature",
        Source::Intermediates => "from --intermediates",
        Source::TrustStore => "from the trust store",
        Source::Given => "from the file",
        Source::Online => "downloaded",
    };
    let mut parts = vec![
        certificate.key.clone(),
        format!("{} to {}", day(&certificate.not_before), day(&certificate.not_after)),
        format!("SHA-1 {}", brief(&certificate.thumbprint_sha1)),
        origin.to_owned(),
    ];
    if let Some(usages) = certificate.usages.as_ref().filter(|_| !certificate.trusted_root) {
        parts.push(match usages.as_slice() {
            [] => "for no usage".to_owned(),
            usages => format!("for {}", usages.join(", ")),
        });
    }
    if let Some(told) = &certificate.revocation {
        let day = told.this_update.as_deref().map_or("?", date);
        let (noun, of_what) = match told.kind {
            Some(RevocationKind::Ocsp) => ("OCSP response", "OCSP response"),
            Some(RevocationKind::DeltaCrl) => ("delta list", "delta list of revoked certificates"),
            _ => ("list", "list of revoked certificates"),
        };
        let age = if told.stale { "stale " } else { "" };
        match (told.status, &told.source) {
            (Revocation::Unknown, None) => parts.push("no revocation list".to_owned()),
            (Revocation::Good, Some(_)) if told.revoked_at.is_none() => {
                parts.push(format!("not revoked by the {age}{noun} of {day}"));
            }
            (_, source) => parts.extend(source.as_ref().map(|_| format!("{age}{of_what} of {day}"))),
        }
    }
    shown(&parts.join(" · "))
}

/// The beginning of a thumbprint.
fn brief(thumbprint: &str) -> &str {
    thumbprint.get(..12).unwrap_or(thumbprint)
}

/// A chain on one line, root first, with what is wrong.
pub(super) fn compact(chain: &[ChainCertificate]) -> Vec<Span> {
    let mut spans = Vec::new();
    if let Some(issuer) = missing_issuer(chain) {
        spans.push((Ink::Bad, format!("? {} (missing)", shown(&name_in(issuer)))));
    }
    for certificate in chain.iter().rev() {
        if !spans.is_empty() {
            spans.push(faint(" › "));
        }
        spans.push(plain(shown(&name_in(&certificate.subject))));
        let told = certificate.problems.iter().filter(|reason| **reason != Reason::ChainIncomplete);
        let problems: Vec<String> = told.map(|reason| problem(*reason, certificate)).collect();
        if !problems.is_empty() {
            spans.push((Ink::Bad, format!(" ✘ {}", problems.join("; "))));
        }
        spans.extend(revoked_later(certificate));
    }
    spans
}
