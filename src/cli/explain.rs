//! `sigscan explain`: what the code of a reason or of a finding means, from the tables themselves.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::args::{ExplainArgs, Explained};
use super::page::{plain, wrap};
use crate::hunt;
use crate::judge::{KernelReason, KernelRules, Loads, Profile, Reason, Row, SETTINGS, TABLE};

/// Columns of a text for a person.
const WIDTH: usize = 78;

/// Prints one row, or all.
///
/// # Errors
/// Errors of writing.
pub(super) fn run(args: &ExplainArgs, out: &mut dyn Write) -> io::Result<()> {
    match args.code {
        Some(Explained::Reason(reason)) => one_reason(reason, out),
        Some(Explained::Finding(row)) => one_finding(row, out),
        Some(Explained::Policies) => policies(out),
        Some(Explained::Kernel) => kernel(out),
        None => {
            writeln!(out, "Reasons in the order in which they decide; the first that holds gives the status.\n")?;
            writeln!(out, "{:<26} {:<10} {:<11} meaning", "reason", "status", "HRESULT")?;
            for row in TABLE {
                writeln!(out, "{:<26} {:<10} {:<11} {}", row.code, row.status.name(), hresult(row), row.meaning)?;
            }
            writeln!(out, "\nFindings. None of them changes a status.\n")?;
            writeln!(out, "{:<7} {:<9} title", "finding", "severity")?;
            for row in hunt::rows() {
                writeln!(out, "{:<7} {:<9} {}", row.code, word(&row.severity), row.title)?;
            }
            Ok(())
        }
    }
}

fn one_reason(reason: Reason, out: &mut dyn Write) -> io::Result<()> {
    let row = reason.row();
    writeln!(out, "{}\n\n  {}.\n", row.code, capitalised(row.meaning))?;
    writeln!(out, "  status   {}", row.status.name())?;
    writeln!(out, "  HRESULT  {}", hresult(row))
}

/// The table of policies, then its rows in words, then the reason of the same name.
fn policies(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Policies, for --policy:\n")?;
    for profile in Profile::ALL {
        labelled(profile.name(), profile.meaning(), 16, out)?;
    }
    writeln!(out, "\n{:<24}{:<10}{:<16}{:<9}rfc5280", "setting", "windows", "windows-strict", "kernel")?;
    for row in SETTINGS {
        let [windows, strict, kernel, rfc] = Profile::ALL.map(|profile| if row.is_on(profile) { "on" } else { "-" });
        writeln!(out, "{:<24}{windows:<10}{strict:<16}{kernel:<9}{rfc}", row.name)?;
    }
    for row in SETTINGS {
        writeln!(out, "\n  {}", capitalised(row.name))?;
        labelled("", &format!("{}.", capitalised(row.meaning)), 4, out)?;
    }
    writeln!(out, "\nThe reason `policy` is another thing:\n")?;
    one_reason(Reason::Policy, out)
}

/// The rules for drivers, by their answers.
fn kernel(out: &mut dyn Write) -> io::Result<()> {
    let about = "What the kernel of Windows 10 version 1607 or later says of a driver, with Secure Boot on and on a fresh \
                 installation, as far as Microsoft documents it. Since April 2026 Windows 11 24H2 and later say `depends` \
                 of `cross-signed-early`; under the kernel's policy that counts. The first of a driver's signatures that it accepts is \
                 enough. Test signing mode, memory integrity and the list of vulnerable drivers are not considered.";
    labelled("", about, 0, out)?;
    for (loads, title) in [(Loads::Yes, "Loads"), (Loads::Depends, "Depends"), (Loads::No, "Does not load")] {
        writeln!(out, "\n{title}\n")?;
        for reason in KernelReason::ALL.iter().filter(|reason| reason.loads(KernelRules::Windows10) == loads) {
            labelled(&format!("  {}", reason.code()), reason.meaning(), 29, out)?;
        }
    }
    Ok(())
}

/// A paragraph that starts in a column, with a label before it.
fn labelled(label: &str, text: &str, column: usize, out: &mut dyn Write) -> io::Result<()> {
    let lines = wrap(&[plain(text)], WIDTH.saturating_sub(column));
    lines.into_iter().enumerate().try_for_each(|(index, line)| {
        let line: String = line.into_iter().map(|(_, text)| text).collect();
        writeln!(out, "{:<column$}{line}", if index == 0 { label } else { "" })
    })
}

fn one_finding(row: &hunt::Row, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}\n", row.code, row.title)?;
    let techniques = row.attack.join(", ");
    let short = [
        ("severity", word(&row.severity)),
        ("confidence", word(&row.confidence)),
        ("ATT&CK", if techniques.is_empty() { "-".to_owned() } else { techniques }),
    ];
    for (label, text) in short {
        writeln!(out, "  {label:<12}{text}")?;
    }
    for (label, text) in sections(row) {
        writeln!(out, "\n  {label}")?;
        for line in wrap(&[plain(text)], WIDTH.saturating_sub(4)) {
            let line: String = line.into_iter().map(|(_, text)| text).collect();
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(out, "\n  References")?;
    row.references.iter().try_for_each(|link| writeln!(out, "    {link}"))
}

fn sections(row: &hunt::Row) -> [(&'static str, &'static str); 4] {
    [
        ("Given when", row.condition),
        ("Why it matters", row.why),
        ("What to do", row.todo),
        ("What else it may be", row.false_positives),
    ]
}

/// The page of all findings, Markdown.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Findings\n\nWhat a status cannot say. A finding never changes a status. This page is made by `sigscan generate \
         findings`;\n`sigscan explain CODE` prints one of them.\n\n| code | title | severity | ATT&CK |\n|---|---|---|---|\n",
    );
    for row in hunt::rows() {
        let techniques = row.attack.join(", ");
        let _ = writeln!(
            page,
            "| [{0}](#{1}) | {2} | {3} | {techniques} |",
            row.code,
            row.code.to_lowercase(),
            row.title,
            word(&row.severity)
        );
    }
    for row in hunt::rows() {
        let _ = writeln!(
            page,
            "\n## {}\n\n**{}** ({}, confidence: {})",
            row.code,
            row.title,
            word(&row.severity),
            word(&row.confidence)
        );
        for (label, text) in sections(row) {
            let _ = writeln!(page, "\n*{label}*: {text}");
        }
        for link in row.references {
            let _ = writeln!(page, "\n<{link}>");
        }
    }
    page
}

/// The word that records carry.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn hresult(row: &Row) -> String {
    row.reason.hresult().unwrap_or_else(|| "-".to_owned())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
