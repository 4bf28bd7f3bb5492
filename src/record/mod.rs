//! What leaves: the owned record of one file, serialisable, every field a contract.
//!
//! Keys are snake_case, times RFC 3339 in UTC, digests lower-case hexadecimal, serial numbers upper-case
//! hexadecimal without leading zeros. The JSON Schema is generated from these types.

mod build;
mod catalog;
mod certificate;
mod chain;
mod detection;
mod finding;
mod kernel;
mod shown;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::trust::{DisallowedList, TrustStore};

pub use build::{Inputs, build, error_record};
pub use certificate::{
    CERTIFICATE_SCHEMA, CertificateInputs, CertificateReport, RootLimit, RootReport, certificate_report,
    certificate_schema, unreadable_certificate,
};
pub use detection::{
    DETECTION_SCHEMA, Detection, DetectionType, EventReference, EventWords, Evidence, FileFate, SignatureState,
    Witness, detection_schema, moment,
};
pub use finding::{Confidence, FINDING_SCHEMA, Finding, FindingLine, Severity, finding_schema};
pub use kernel::{CrossCertificate, Kernel, KernelAnswer};
pub(crate) use kernel::{Driver, KernelFacts};
pub(crate) use shown::{is_cut, shown};

pub use crate::anomaly::Anomaly;
pub use crate::container::Format;
pub use crate::container::pe::DriverSign;
pub use crate::judge::{KernelReason, Loads, Profile, Reason, SignaturePolicy, Status};

/// The value of [`Record::schema`].
pub const RECORD_SCHEMA: &str = "sigscan.record/1";

/// Everything that sigscan says about one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// `sigscan.record/1`.
    pub schema: String,
    /// The path as given and walked; characters that are not UTF-8 are replaced.
    pub path: String,
    /// The path's bytes in hexadecimal, when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// The machine that the file is from, where `--host` named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Length in bytes; null when the file could not be opened.
    pub size: Option<u64>,
    /// Kind of file, by content.
    pub format: Format,
    /// The status.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// What WinVerifyTrust would return; null for `Error`.
    pub hresult: Option<String>,
    /// All other reasons that hold, in table order.
    pub other_reasons: Vec<Reason>,
    /// The signer's certificate verifies under its own key and names itself as issuer.
    pub self_signed: bool,
    /// The signature over these bytes holds, a trusted root confirms the signer's certificate, and that states the
    /// CA/Browser Forum's policy for EV code signing, as every authority above it does or allows.
    pub ev_code_signing: bool,
    /// The signer, when the signature over these bytes holds, whatever the trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// The certificate that the signature names, when the signature over these bytes does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_signer: Option<Signer>,
    /// The timestamp in use, or the first one if none is usable.
    pub timestamp: Option<TimestampSummary>,
    /// Every signature, primary first, then nested ones and further table entries in file order.
    pub signatures: Vec<Signature>,
    /// Authenticode digests by algorithm.
    pub authentihash: BTreeMap<String, String>,
    /// Digests of the whole file by algorithm.
    pub hashes: BTreeMap<String, String>,
    /// What is known of revocation.
    pub revocation: Revocation,
    /// `not-checked` (also where a catalog that may list the file could not be read), `none`, or the path of the catalog
    /// that lists the file. If that verifies, or the file has no signature of its own, status, signer and timestamp are
    /// the catalog's.
    pub catalog: String,
    /// The deciding signature of that catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_signature: Option<Signature>,
    /// What the kernel would say; for drivers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
    /// Version resource of a PE file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_info: Option<VersionInfo>,
    /// Findings about this file.
    pub findings: Vec<Finding>,
    /// Values by which records of many machines can be joined.
    pub keys: Keys,
    /// What was odd but harmless.
    pub anomalies: Vec<Anomaly>,
    /// The moment that counted as now.
    pub judged_at: String,
    /// The policy used.
    pub policy: AppliedPolicy,
    /// The trust store used.
    pub trust_store: TrustStoreName,
    /// With status `Error`: what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// The policy used, with what was asked for beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppliedPolicy {
    /// Its name; `sigscan explain policy` says what each changes.
    pub name: Profile,
    /// Which signature gives the file its status.
    pub signature: SignaturePolicy,
    /// Bytes behind a signature that are not zero break it, by the policy or by `--strict-padding`.
    pub strict_padding: bool,
    /// A signature is trusted only if nothing of its chain is known or feared to be revoked, by the policy or by
    /// `--require-revocation`.
    pub require_revocation: bool,
}

/// A certificate as the signer of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Distinguished name, most specific attribute first.
    pub subject: String,
    /// CN of the subject.
    pub common_name: Option<String>,
    /// O of the subject.
    pub organization: Option<String>,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Serial number.
    pub serial: String,
    /// SHA-1 of the certificate.
    pub thumbprint_sha1: String,
    /// SHA-256 of the certificate.
    pub thumbprint_sha256: String,
    /// Start of validity; null when unreadable.
    pub not_before: Option<String>,
    /// End of validity; null when unreadable.
    pub not_after: Option<String>,
}

/// The file's timestamp in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimestampSummary {
    /// The stated time; null when unreadable.
    pub time: Option<String>,
    /// Which kind.
    pub kind: TimestampKind,
    /// Intact and from an authority trusted at that time.
    pub verified: bool,
    /// Common name of the authority's certificate, or its subject.
    pub authority: Option<String>,
}

/// Kind of timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimestampKind {
    /// RFC 3161 token.
    Rfc3161,
    /// PKCS#9 counter-signature.
    Pkcs9,
}

/// One signature of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Position in `signatures`.
    pub index: usize,
    /// Position of the signature that this one is nested in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested_in: Option<usize>,
    /// Offset of the PKCS#7 in the file.
    pub offset: u64,
    /// Its own status.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// What WinVerifyTrust would return if this were the only signature.
    pub hresult: Option<String>,
    /// All other reasons that hold.
    pub other_reasons: Vec<Reason>,
    /// What could not be read, when the reason is `malformed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Digest algorithm of SpcIndirectDataContent, or its object identifier when it is not known; for a catalog, that
    /// of the SignerInfo.
    pub digest_algorithm: Option<String>,
    /// The digest that was signed; for a catalog, the messageDigest attribute.
    pub signed_digest: Option<String>,
    /// The digest of this file; for a catalog, that of its list.
    pub computed_digest: Option<String>,
    /// Signature algorithm of the SignerInfo.
    pub signature_algorithm: Option<String>,
    /// The signer, when the signature over these bytes holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// The named certificate, when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_signer: Option<Signer>,
    /// The path that was judged, the signer first.
    pub chain: Vec<ChainCertificate>,
    /// Every timestamp.
    pub timestamps: Vec<Timestamp>,
    /// Program name of SpcSpOpusInfo.
    pub program_name: Option<String>,
    /// Link of SpcSpOpusInfo.
    pub more_info: Option<String>,
    /// SpcStatementType identifiers by name.
    pub statement_type: Vec<String>,
    /// Page hashes, if there are any.
    pub page_hashes: Option<PageHashes>,
    /// Every unsigned attribute.
    pub unauthenticated_attributes: Vec<UnsignedAttribute>,
    /// Certificates in the bag.
    pub certificates: usize,
    /// WIN_CERTIFICATE entry that holds it (signatures of a table only).
    pub entry: Option<TableEntry>,
}

/// The WIN_CERTIFICATE around a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// wRevision.
    pub revision: u16,
    /// wCertificateType.
    pub certificate_type: u16,
    /// Bytes behind the PKCS#7 inside the entry.
    pub padding: u64,
    /// Whether one of them is not zero.
    pub padding_nonzero: bool,
}

/// One certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainCertificate {
    /// Distinguished name.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Serial number.
    pub serial: String,
    /// SHA-1 of the certificate.
    pub thumbprint_sha1: String,
    /// SHA-256 of the certificate.
    pub thumbprint_sha256: String,
    /// Start of validity; null when unreadable.
    pub not_before: Option<String>,
    /// End of validity; null when unreadable.
    pub not_after: Option<String>,
    /// Key, such as `RSA 2048` or `EC P-256`.
    pub key: String,
    /// Signature algorithm of the certificate; null for a root known by its facts alone.
    pub signature_algorithm: Option<String>,
    /// Extended key usages by name; null when the certificate does not limit them.
    pub usages: Option<Vec<String>>,
    /// Certificate policies that it states, by name where there is one. Anybody can write them into a certificate.
    pub policies: Vec<String>,
    /// Where it came from.
    pub source: Source,
    /// Whether it is a root of the trust store.
    pub trusted_root: bool,
    /// What is wrong with this certificate in this chain.
    pub problems: Vec<Reason>,
    /// What is known of its revocation; absent when there was no list to ask, and for roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<CertificateRevocation>,
    /// The entry of a disallowed list that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disallowed: Option<DisallowedBy>,
}

/// Why a certificate is explicitly distrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisallowedBy {
    /// The list, with its date if it has one.
    pub list: String,
    /// Which hash the entry is: `thumbprint`, `signature hash`, `public key MD5` or `public key hash`.
    pub kind: String,
    /// The entry, hexadecimal.
    pub entry: String,
}

/// Kinds of revocation data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationKind {
    /// A CRL that is complete for its scope, or several that are so together, of which this is the oldest.
    Crl,
    /// A delta CRL together with the CRL that it changes, or alone where it lists the certificate.
    DeltaCrl,
    /// An OCSP response.
    Ocsp,
}

/// What is known of one certificate's revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRevocation {
    /// For the moment that counts: `good`, `revoked` or `unknown`.
    pub status: Revocation,
    /// What this rests on, or what came closest; null without any.
    pub kind: Option<RevocationKind>,
    /// Where that came from: `bag` for one inside the signature or timestamp, else `file:`
    /// and its name; null without any.
    pub source: Option<String>,
    /// When that list was made.
    pub this_update: Option<String>,
    /// When its successor was due; null when it does not say.
    pub next_update: Option<String>,
    /// Since when the certificate counts as revoked. With another status than `revoked`, later than the timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The reason that the list gives. It changes no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when the key may have been misused, by the list. It changes no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<String>,
    /// The list's successor is overdue: it is believed for what it lists and not for what it does not.
    pub stale: bool,
}

/// Where a certificate came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The signature's own bag.
    Signature,
    /// The bag of the timestamp token.
    Timestamp,
    /// The bag of the signature around this one.
    Outer,
    /// A file given with `--intermediates`.
    Intermediates,
    /// The trust store.
    TrustStore,
    /// A file whose certificates were to be judged.
    Given,
    /// Downloaded with `--online`.
    Online,
}

/// One timestamp of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    /// Which kind.
    pub kind: TimestampKind,
    /// The stated time; null when unreadable.
    pub time: Option<String>,
    /// Whether it is the one in use.
    pub used: bool,
    /// Intact and from an authority trusted at that time.
    pub verified: bool,
    /// What is wrong with the timestamp itself.
    pub fault: Option<TimestampFault>,
    /// Digest algorithm of the imprint.
    pub digest_algorithm: Option<String>,
    /// The authority's certificate.
    pub authority: Option<Signer>,
    /// The authority's chain.
    pub chain: Vec<ChainCertificate>,
    /// What is wrong with the authority's chain.
    pub chain_reasons: Vec<Reason>,
}

/// Why a timestamp proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampFault {
    /// It cannot be read.
    Malformed,
    /// It is of another signature.
    Imprint,
    /// The authority's signature does not hold, or is bound to another certificate than the authority's.
    Signature,
    /// The authority's certificate is missing.
    NoCertificate,
    /// It states no time, or not as RFC 3161 demands.
    NoTime,
    /// It uses an algorithm that Windows refuses.
    BadAlgorithm,
    /// It uses an algorithm that sigscan cannot verify.
    UnsupportedAlgorithm,
    /// The limit of work for the file was reached before it was verified.
    Limit,
}

/// Page hashes of a PE signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageHashes {
    /// `sha1` or `sha256`.
    pub algorithm: String,
    /// Entries, the terminating one left out.
    pub count: usize,
    /// All pages match; null when the list could not be compared.
    pub matched: Option<bool>,
    /// File offset of the first page that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_mismatch: Option<u64>,
    /// Why the list could not be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One unsigned attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsignedAttribute {
    /// Object identifier.
    pub oid: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// Octets of the attribute.
    pub size: usize,
    /// SHA-256 of the attribute.
    pub sha256: String,
}

/// What is known of revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// Nobody asked.
    NotChecked,
    /// Every certificate that matters is known not to be revoked.
    Good,
    /// One is revoked.
    Revoked,
    /// Asked, without an answer.
    Unknown,
}

/// Strings of the version resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionInfo {
    /// CompanyName.
    pub company: Option<String>,
    /// ProductName.
    pub product: Option<String>,
    /// FileDescription.
    pub description: Option<String>,
    /// OriginalFilename.
    pub original_filename: Option<String>,
    /// FileVersion string, or the fixed version where there is none.
    pub file_version: Option<String>,
    /// LegalCopyright; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_copyright: Option<String>,
}

/// Values by which records can be joined. Each is null where the file has nothing of the kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The digest that the deciding signature signed.
    pub signed_digest: Option<String>,
    /// SHA-256 of the PKCS#7 without what follows it.
    pub pkcs7_sha256: Option<String>,
    /// SHA-256 of the SignerInfo's signature octets.
    pub signer_info_sha256: Option<String>,
    /// SHA-256 of the timestamp attribute value.
    pub timestamp_token_sha256: Option<String>,
    /// The same of the signature's other timestamps; absent where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_timestamps_sha256: Vec<String>,
    /// SHA-256 of the signer's TBSCertificate.
    pub leaf_tbs_sha256: Option<String>,
    /// SHA-256 of the signer's SubjectPublicKeyInfo.
    pub leaf_spki_sha256: Option<String>,
    /// SHA-256 of the issuer's common name in lower case with single spaces, an octet 0 and the serial number's octets
    /// without leading zeros. Where the issuer has no common name all of its Name takes that place, as in `subject_key`.
    pub issuer_serial_key: Option<String>,
    /// SHA-256 of the subject Name, with string types, case and white space put aside (RFC 5280 section 7.1).
    pub subject_key: Option<String>,
    /// SHA-256 of the version resource.
    pub version_res_sha256: Option<String>,
    /// SHA-256 of the first page, its headers, as page hashes have it; only of files without a signature and of those
    /// whose deciding signature has page hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_page_sha256: Option<String>,
    /// The same of the file that was signed, by the deciding signature's page hashes (SHA-256).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_first_page_sha256: Option<String>,
}

/// The trust store in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustStoreName {
    /// Name.
    pub name: String,
    /// Date of its lists, empty when it has none.
    pub date: String,
    /// The disallowed lists in use, with their dates; absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed: Vec<String>,
}

impl TrustStoreName {
    /// Of a store with its disallowed lists.
    #[must_use]
    pub fn of(trust: &TrustStore) -> TrustStoreName {
        let lists = trust.disallowed().lists().iter().filter(|list| !list.superseded);
        TrustStoreName {
            name: trust.name().to_owned(),
            date: trust.date().to_owned(),
            disallowed: lists.map(DisallowedList::title).collect(),
        }
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorDetail {
    /// The reason code again.
    pub kind: Reason,
    /// For a person.
    pub message: String,
}

/// The JSON Schema of [`Record`], draft 2020-12.
#[must_use]
pub fn record_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<Record>().to_value()
}
