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
    let (ten, eleven) = (&kernel.windows_10_1803, &kernel.windows_11_24h2);
    let differ = ten.loads != eleven.loads;
    let windows = if differ { "Windows 10 since 1607" } else { "Windows 10 1607 and later" };
    page.line(&[loads(ten.loads, windows), plain(" (Secure Boot on, fresh installation)")]);
    if differ {
        page.line(&[loads(eleven.loads, "Windows 11 24H2 and later, since April 2026,")]);
    }
    let reasons = ten.reasons.iter().chain(eleven.reasons.iter().filter(|reason| !ten.reasons.contains(reason)));
    for reason in reasons {
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

/// What these versions of Windows, of which there are several, do.
fn loads(loads: Loads, windows: &str) -> (Ink, String) {
    match loads {
        Loads::Yes => (Ink::Good, format!("✔ {windows} load this driver")),
        Loads::Depends => (Ink::Doubtful, format!("? whether {windows} load this driver cannot be told")),
        Loads::No => (Ink::Bad, format!("✘ {windows} do not load this driver")),
    }
}
