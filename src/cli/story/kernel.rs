//! What the kernel would say of a driver.

use super::super::page::{Page, faint, plain};
use super::super::style::Ink;
use super::super::words::date;
use super::shown;
use crate::judge::Loads;
use crate::record::Record;

/// The kernel's answer with its reasons, for drivers.
pub(super) fn kernel(page: &mut Page, record: &Record) {
    let Some(kernel) = &record.kernel else { return };
    page.label("Kernel");
    let answer = &kernel.windows_10_1803;
    let (ink, words) = match answer.loads {
        Loads::Yes => (Ink::Good, "✔ Windows 10 1607 and later load this driver"),
        Loads::Depends => (Ink::Doubtful, "? whether Windows 10 1607 and later load this driver cannot be told"),
        Loads::No => (Ink::Bad, "✘ Windows 10 1607 and later do not load this driver"),
    };
    page.line(&[(ink, words.to_owned()), plain(" (Secure Boot on, fresh installation)")]);
    for reason in &answer.reasons {
        page.line(&[plain(reason.meaning())]);
    }
    if let Some(cross) = &kernel.cross_certificate {
        let end = cross.not_after.as_deref().map_or("an unreadable date".to_owned(), |end| date(end).to_owned());
        let words = format!("cross-certificate of {} until {end}, by {}", shown(&cross.subject), shown(&cross.issuer));
        page.line(&[faint(words)]);
    }
    let usages = [
        (kernel.whql, "Windows Hardware Driver Verification"),
        (kernel.attested, "Attested Verification"),
        (kernel.extended_verification, "Extended Verification"),
        (kernel.elam, "Early Launch Antimalware"),
        (kernel.windows_component, "Windows System Component Verification"),
    ];
    let named: Vec<&str> = usages.into_iter().filter(|usage| usage.0).map(|usage| usage.1).collect();
    if !named.is_empty() {
        page.line(&[faint(format!("usages: {}", named.join(", ")))]);
    }
    page.label("");
}
