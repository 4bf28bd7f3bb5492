//! Options that decide how files are judged, wherever files are judged.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::cache::CacheArgs;
use super::online::OnlineArgs;
use crate::asn1::Time;
use crate::judge::{Profile, SignaturePolicy};
use crate::trust::{ListKind, list_argument};

/// How files are judged.
#[derive(Debug, Args)]
pub struct JudgingArgs {
    /// Do not judge files larger than SIZE (bytes, or with k, M, G); they become Error records
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Which files")]
    pub max_size: Option<u64>,
    /// The name of the machine that the files are from, for the formats that carry one
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub host: Option<String>,
    /// Digests to report beside those that a verdict needs
    #[arg(long, value_name = "WHICH", help_heading = "Output")]
    pub hashes: Option<HashArg>,
    /// Do not look for findings, neither in each file nor between files
    #[arg(long, help_heading = "Output")]
    pub no_findings: bool,
    /// Name what LIST warns of in finding S122. KIND is csv, hashes, loldrivers, certgraveyard,
    /// cscb or wdac (an App Control policy, such as Microsoft's driver block-list)
    #[arg(long, value_name = "KIND:LIST", value_parser = list_argument, help_heading = "Judgement")]
    pub blocklist: Vec<(ListKind, PathBuf)>,
    /// What LIST names is wanted although a --blocklist names it: the finding stays, with the reason, as info
    #[arg(long, value_name = "KIND:LIST", value_parser = list_argument, help_heading = "Judgement")]
    pub allowlist: Vec<(ListKind, PathBuf)>,
    /// Judge as of this moment (RFC 3339, or a date) instead of now
    #[arg(long, value_name = "TIME", value_parser = moment, help_heading = "Judgement")]
    pub at: Option<Time>,
    /// Which signature gives a file its status
    #[arg(long, value_name = "WHICH", default_value = "primary", help_heading = "Judgement")]
    pub signature: SignatureArg,
    /// Judge by this policy; `sigscan explain policy` says what each changes
    #[arg(long, value_name = "POLICY", default_value = "windows", help_heading = "Judgement")]
    pub policy: PolicyArg,
    /// Bytes hidden behind a signature make it Invalid (Windows' EnableCertPaddingCheck)
    #[arg(long, help_heading = "Judgement")]
    pub strict_padding: bool,
    /// Trust only the roots in PATH: certificates (PEM, DER), an authroot.stl with its certificates, or a folder
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub trust_store: Vec<PathBuf>,
    /// Trust the roots in PATH too
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub add_root: Vec<PathBuf>,
    /// Certificates in PATH may serve as intermediates
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub intermediates: Vec<PathBuf>,
    /// Look for revoked certificates in the CRLs and OCSP responses in PATH: files (PEM, DER) or folders, at most 256 MiB
    /// together
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub crl: Vec<PathBuf>,
    /// The same: OCSP responses and CRLs are told apart by content
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub ocsp: Vec<PathBuf>,
    /// Distrust what the lists in PATH name: disallowedcert.stl, certificates (PEM, DER), or text files of hashes (a
    /// thumbprint a line; tbs: or spki: before other hashes; # comments), or folders of them
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub disallowed: Vec<PathBuf>,
    /// Trust a signature only if current CRLs show that no certificate of its chain is revoked
    #[arg(long, help_heading = "Judgement")]
    pub require_revocation: bool,
    /// Look files up in the security catalogs in PATH (a file or a folder)
    #[arg(long, value_name = "PATH", help_heading = "Judgement")]
    pub catalog: Vec<PathBuf>,
    /// Look files up in this CatRoot folder; that of a scanned Windows folder or system drive is found by itself, and so are
    /// the catalogs of its component store and driver packages
    #[arg(long, value_name = "DIR", help_heading = "Judgement")]
    pub catroot: Vec<PathBuf>,
    /// Do not look for catalogs in scanned Windows folders
    #[arg(long, help_heading = "Judgement")]
    pub no_catroot: bool,

    /// Download missing issuers, CRLs and OCSP responses of the files that are judged (nothing is, without this)
    #[arg(long, help_heading = "Network")]
    pub online: bool,
    /// How the network may be used.
    #[command(flatten)]
    pub network: OnlineArgs,

    /// What is kept between scans.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Worker threads [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Work")]
    pub jobs: Option<u16>,
    /// Largest signature that is read (bytes, or with k, M, G)
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "16M", help_heading = "Work")]
    pub max_signature_size: u64,
}

/// Digest choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HashArg {
    /// Only what the verdict needs
    None,
    /// The file's SHA-256 (default of the structured formats)
    Sha256,
    /// MD5, SHA-1, SHA-256, SHA-384 and SHA-512
    All,
}

/// Which signature decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignatureArg {
    /// The first one, as Windows does
    Primary,
    /// Valid if any signature is valid, else the first one
    Any,
    /// The worst one
    All,
    /// The best one
    Best,
}

impl From<SignatureArg> for SignaturePolicy {
    fn from(value: SignatureArg) -> Self {
        match value {
            SignatureArg::Primary => SignaturePolicy::Primary,
            SignatureArg::Any => SignaturePolicy::Any,
            SignatureArg::All => SignaturePolicy::All,
            SignatureArg::Best => SignaturePolicy::Best,
        }
    }
}

/// Policies by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyArg {
    /// What WinVerifyTrust says by default
    Windows,
    /// The same with the padding check, and revocation required
    WindowsStrict,
    /// Drivers as the kernel of Windows 10 sees them, other files as under windows
    Kernel,
    /// Chains as RFC 5280 and time authorities as RFC 3161 demand
    Rfc5280,
}

impl From<PolicyArg> for Profile {
    fn from(value: PolicyArg) -> Self {
        match value {
            PolicyArg::Windows => Profile::Windows,
            PolicyArg::WindowsStrict => Profile::WindowsStrict,
            PolicyArg::Kernel => Profile::Kernel,
            PolicyArg::Rfc5280 => Profile::Rfc5280,
        }
    }
}

pub(super) fn moment(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).ok_or_else(|| "a moment such as 2026-12-01T00:00:00Z, or a date".to_owned())
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text.get(digits.len()..).unwrap_or("").to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err("a number of bytes, or one with k, M, G or T".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "a number of bytes, or one with k, M, G or T".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("7"), Ok(7));
        assert!(size("16X").is_err() && size("").is_err() && size("99999999999G").is_err());
    }
}
