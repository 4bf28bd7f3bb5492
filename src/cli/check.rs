//! `sigscan trust check`: whether certificates are trusted, and why or why not.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::ColorArg;
use super::judging::{PolicyArg, moment};
use super::page::{Page, faint, plain};
use super::report::Terminal;
use super::run::{now, revocation_lists};
use super::story::chain::tree;
use super::style::{Ink, Style};
use super::words::{Verdict, date, moment as moment_text, name_of};
use crate::asn1::Time;
use crate::judge::{InitialPolicies, Purpose, Status};
use crate::output::escape::for_terminal;
use crate::record::{CertificateReport, Revocation, RootLimit};
use crate::scan::{Options, Scanner};
use crate::trust::{TrustStore, certificate_blocks, certificates_below, load_paths};
use crate::x509::Certificate;

/// Options of `sigscan trust check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 every certificate is trusted, 1 one is not, 2 wrong usage or a file that cannot \
    be read."
)]
pub struct CheckArgs {
    /// Files with certificates (PEM or DER). Each is judged; those of the same file may stand between it and a root
    #[arg(required = true, value_name = "CERT")]
    pub certificates: Vec<PathBuf>,
    /// Trust the roots in PATH too
    #[arg(long, value_name = "PATH")]
    pub add_root: Vec<PathBuf>,
    /// Certificates in PATH may serve as intermediates
    #[arg(long, value_name = "PATH")]
    pub intermediates: Vec<PathBuf>,
    /// Look for revoked certificates in the CRLs and OCSP responses in PATH: files (PEM, DER) or folders
    #[arg(long, value_name = "PATH")]
    pub crl: Vec<PathBuf>,
    /// The same: OCSP responses and CRLs are told apart by content
    #[arg(long, value_name = "PATH")]
    pub ocsp: Vec<PathBuf>,
    /// Trust a certificate only if current CRLs show that none of its chain is revoked
    #[arg(long)]
    pub require_revocation: bool,
    /// Judge as of this moment (RFC 3339, or a date) instead of now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Time>,
    /// What the certificates are to be trusted for
    #[arg(long, value_name = "PURPOSE", default_value = "code-signing")]
    pub purpose: PurposeArg,
    /// By whose rules
    #[arg(long, value_name = "POLICY", default_value = "windows")]
    pub policy: PolicyArg,
    /// The chain must be valid for one of these certificate policies, if it must be valid for any
    #[arg(long, value_name = "OID")]
    pub certificate_policy: Vec<String>,
    /// The chain must be valid for a certificate policy
    #[arg(long)]
    pub explicit_policy: bool,
    /// Certificate policies are not mapped to others
    #[arg(long)]
    pub inhibit_policy_mapping: bool,
    /// The policy anyPolicy stands for no other
    #[arg(long)]
    pub inhibit_any_policy: bool,
    /// One JSON object a certificate, a line each
    #[arg(long)]
    pub json: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorArg,
}

/// What certificates can be checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurposeArg {
    /// Signing code
    CodeSigning,
    /// Stamping time
    TimeStamping,
    /// Anything: no usage is demanded
    Any,
}

impl From<PurposeArg> for Purpose {
    fn from(value: PurposeArg) -> Self {
        match value {
            PurposeArg::CodeSigning => Purpose::CodeSigning,
            PurposeArg::TimeStamping => Purpose::TimeStamping,
            PurposeArg::Any => Purpose::Any,
        }
    }
}

/// Larger files than this hold no certificates.
const MAX_FILE: u64 = 64 << 20;

/// Judges every certificate and prints what came out; true when all are trusted.
///
/// # Errors
/// A sentence for a person when a file cannot be read or holds no certificate.
pub(super) fn run(args: &CheckArgs, trust: TrustStore, out: &mut dyn Write) -> Result<bool, String> {
    let scanner = scanner(args, trust)?;
    let terminal = Terminal::look(args.color);
    let (mut trusted, mut first) = (true, true);
    for path in &args.certificates {
        let certificates = read(path)?;
        let name = path.to_string_lossy();
        for (index, certificate) in certificates.iter().enumerate() {
            let apart = certificates.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<&[u8]> = apart.map(|(_, der)| der.as_slice()).collect();
            let report = scanner.judge_certificate(&name, certificate, &others, args.purpose.into());
            trusted &= report.status == Status::Valid;
            let written = if args.json {
                serde_json::to_writer(&mut *out, &report).map_err(io::Error::from).and_then(|()| writeln!(out))
            } else {
                let gap = if first { "" } else { "\n" };
                write!(out, "{gap}{}", story(&report, terminal.out_width, Style { colour: terminal.out_colour }))
            };
            written.map_err(|error| error.to_string())?;
            first = false;
        }
    }
    Ok(trusted)
}

/// `trust` is the store that the options of `sigscan trust` name.
fn scanner(args: &CheckArgs, mut trust: TrustStore) -> Result<Scanner, String> {
    if !args.add_root.is_empty() {
        trust = trust.with(load_paths(&args.add_root).map_err(|error| error.to_string())?);
    }
    let intermediates = certificates_below(&args.intermediates).map_err(|error| error.to_string())?;
    let revocation = revocation_lists(&args.crl, &args.ocsp)?;
    let mut options = Options::at(args.at.unwrap_or_else(now));
    options.require_revocation = args.require_revocation;
    options.profile = args.policy.into();
    options.certificate_policies = initial_policies(args)?;
    Ok(Scanner::with_trust(options, trust).with_intermediates(intermediates).with_revocation(revocation))
}

fn initial_policies(args: &CheckArgs) -> Result<InitialPolicies, String> {
    let mut policies = InitialPolicies {
        explicit: args.explicit_policy,
        inhibit_mapping: args.inhibit_policy_mapping,
        inhibit_any: args.inhibit_any_policy,
        ..InitialPolicies::default()
    };
    match args.certificate_policy.iter().find(|policy| !policies.accept(policy)) {
        Some(text) => Err(format!("--certificate-policy {text}: no object identifier such as 2.23.140.1.4.1")),
        None => Ok(policies),
    }
}

/// The certificates of a file: some in DER, one behind the other, or the blocks of a PEM file. What is called a certificate
/// or stands behind one, and cannot be read as one, is judged too, and malformed.
fn read(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{}: larger than {MAX_FILE} bytes", path.display()));
    }
    let (mut certificates, rest) = one_behind_the_other(&bytes);
    let blocks = blocks(rest).map_err(|problem| format!("{}: {problem}", path.display()))?;
    if blocks.is_empty() && !certificates.is_empty() && !rest.is_empty() {
        certificates.push(rest.to_vec());
    }
    certificates.extend(blocks);
    if certificates.is_empty() {
        return Err(format!("{}: no certificate in it", path.display()));
    }
    Ok(certificates)
}

/// The certificates in DER at the start, and what is behind them.
fn one_behind_the_other(mut der: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut certificates = Vec::new();
    while let Ok(certificate) = Certificate::parse(der) {
        certificates.push(certificate.raw.to_vec());
        der = der.get(certificate.raw.len()..).unwrap_or(&[]);
    }
    (certificates, der)
}

/// What the blocks of a PEM file hold that are called certificates. Every line that begins one has to lead to one: who reads
/// the others only would know nothing of it.
fn blocks(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    let mut count = 0usize;
    for block in pem::parse_many(text).unwrap_or_default() {
        let (within, rest) = one_behind_the_other(block.contents());
        match block.tag() {
            // Behind a certificate that somebody trusts stands what for.
            "TRUSTED CERTIFICATE" if !within.is_empty() => certificates.extend(within),
            "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => {
                let is_whole = !within.is_empty() && rest.is_empty();
                certificates.extend(within);
                certificates.extend(Some(rest.to_vec()).filter(|_| !is_whole));
            }
            _ => continue,
        }
        count = count.saturating_add(1);
    }
    match certificate_blocks(text) {
        begun if begun > count => Err(format!("{begun} blocks begin as certificates in PEM, and {count} can be read")),
        _ => Ok(certificates),
    }
}

fn shown(text: &str) -> String {
    for_terminal(text).into_owned()
}

/// What a person reads of one certificate.
fn story(report: &CertificateReport, width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    page.headline(&[(Ink::Strong, shown(&report.path))]);
    page.gap();
    let purpose = match report.purpose.as_str() {
        "code-signing" => "for signing code",
        "time-stamping" => "for stamping time",
        _ => "as a certificate",
    };
    if report.status == Status::Valid {
        page.beside(&[], &[(Ink::Good, format!("✔ TRUSTED {purpose}"))]);
    } else {
        let verdict = Verdict::of(report.status, report.reason);
        let word = if report.status == Status::Error { "? NOT JUDGED" } else { "✘ NOT TRUSTED" };
        let text = (Ink::Verdict(verdict), format!("{word} {purpose}"));
        page.beside(&[], &[text, plain(format!(": {}", report.reason.row().meaning))]);
        let code = report.hresult.as_ref().map(|code| format!(", {code}")).unwrap_or_default();
        page.beside(&[plain("  ")], &[faint(format!("{}{code}", report.reason.code()))]);
        for reason in &report.other_reasons {
            page.beside(&[faint("  also ")], &[faint(format!("{}: {}", reason.code(), reason.row().meaning))]);
        }
    }
    page.gap();
    if let Some(problem) = &report.problem {
        page.label("Detail");
        page.line(&[plain(shown(problem))]);
    }
    subject(&mut page, report);
    if !report.chain.is_empty() {
        page.label("Chain");
        tree(&mut page, &report.chain, &report.judged_at, &report.judged_at);
    }
    root(&mut page, report);
    page.label("Odd");
    for anomaly in &report.anomalies {
        page.line(&[plain(shown(&anomaly.message))]);
    }
    basis(&mut page, report);
    page.finish()
}

fn subject(page: &mut Page, report: &CertificateReport) {
    let Some(certificate) = &report.certificate else { return };
    page.label("Certificate");
    page.line(&[(Ink::Strong, format!("“{}”", shown(name_of(certificate))))]);
    page.line(&[plain(shown(&certificate.subject))]);
    page.line(&[faint("issued by "), plain(shown(&certificate.issuer))]);
    page.line(&[faint("serial "), plain(shown(&certificate.serial))]);
    page.line(&[faint("SHA-1 "), plain(certificate.thumbprint_sha1.clone())]);
    page.line(&[faint("SHA-256 "), plain(certificate.thumbprint_sha256.clone())]);
}

/// What the root is trusted for, and until when.
fn root(page: &mut Page, report: &CertificateReport) {
    let Some(root) = &report.root else { return };
    page.label("Root");
    let kind = match (root.built_in, root.program) {
        (true, _) => "built into Windows, for every usage and without dates",
        (false, true) => "member of Microsoft's root programme",
        (false, false) => "a root that was given, for every usage and without dates",
    };
    page.line(&[plain(match &root.friendly_name {
        Some(name) => format!("“{}”, {kind}", shown(name)),
        None => kind.to_owned(),
    })]);
    if let Some(usages) = &root.usages {
        let list = if usages.is_empty() { "nothing".to_owned() } else { usages.join(", ") };
        page.line(&[faint("trusted for "), plain(shown(&list))]);
    }
    let limit = |limit: &RootLimit| {
        let from = limit.from.as_deref().map_or("ever", date);
        let usages = limit.usages.as_ref().map_or_else(|| "every usage".to_owned(), |usages| usages.join(", "));
        format!("{from} ({})", shown(&usages))
    };
    if let Some(dated) = &root.not_before {
        page.line(&[faint("not for certificates issued from "), plain(limit(dated))]);
    }
    if let Some(dated) = &root.disabled {
        page.line(&[faint("not for signatures made from "), plain(limit(dated))]);
    }
}

fn basis(page: &mut Page, report: &CertificateReport) {
    match report.revocation {
        Revocation::NotChecked => {
            page.label("Not checked");
            page.line(&[plain("revocation")]);
        }
        Revocation::Unknown => {
            page.label("Not checked");
            page.line(&[plain("revocation of every certificate (no current list, see Chain)")]);
        }
        Revocation::Good | Revocation::Revoked => {}
    }
    page.label("Judged");
    let store = &report.trust_store;
    let mut text = format!("as of {}, trusting {}", moment_text(&report.judged_at), shown(&store.name));
    if !store.date.is_empty() {
        text = format!("{text} of {}", shown(date(&store.date)));
    }
    page.line(&[plain(text)]);
}
