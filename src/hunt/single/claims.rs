//! Whose work a file says it is, against who answers for it. Asked when everything else is known, what catalogs say
//! included.

use serde_json::{Value, json};

use super::finding;
use crate::hunt::catalogue::Publishers;
use crate::hunt::leads::LeadsTo;
use crate::judge::Status;
use crate::record::{Finding, Record, Severity, is_cut};

/// The publisher who signs the drivers of others, and the programs of others that come with Windows.
const FOR_OTHERS: &str = "Microsoft";

/// S125: the version resource names a publisher of the catalogue, and the signer is somebody else, or nobody.
fn another_publisher(record: &Record, publishers: &Publishers) -> Option<Finding> {
    let version = record.version_info.as_ref()?;
    let company = version.company.as_deref().unwrap_or_default();
    let by_company = || publishers.named(company).or_else(|| publishers.passing_for(company));
    let publisher =
        by_company().or_else(|| version.legal_copyright.as_deref().and_then(|text| publishers.holder(text)))?;
    let signer = record.signer.as_ref().or(record.claimed_signer.as_ref());
    let names = signer.map(|signer| [signer.organization.as_deref(), signer.common_name.as_deref()]);
    let signs = |publisher: &str| {
        let mut whole = names.iter().flatten().flatten().filter(|name| !is_cut(name));
        whole.any(|name| publishers.named(name).is_some_and(|known| known == publisher))
    };
    let catalogs_unknown = record.catalog == "not-checked";
    let leads_to =
        LeadsTo::of(record.status, std::iter::once(record.reason).chain(record.other_reasons.iter().copied()));
    // A signature of which nothing can be read names nobody: copies that were cut off look like this, too.
    let unsigned = record.status == Status::Unsigned || signer.is_none();
    let severity = match (record.status, leads_to) {
        (Status::Error, _) => return None,
        // Whatever signature decides, another one is of this very content.
        (_, _) if vouched_for(record, publishers) => return None,
        (_, _) if unsigned && catalogs_unknown => Severity::Low,
        (Status::Unsigned, _) => Severity::Medium,
        (_, _) if unsigned => Severity::Medium,
        // Who signed himself, or founded a root for it, can write any name into the certificate.
        (_, Some(LeadsTo::UntrustedRoot)) => Severity::High,
        // Other findings tell what is wrong with it.
        (_, _) if signs(publisher) => return None,
        (Status::Invalid, _) | (_, Some(LeadsTo::Nowhere)) => Severity::High,
        (Status::Valid, _) => Severity::Low,
        (Status::Expired | Status::Revoked | Status::Untrusted, _) => Severity::Medium,
    };
    let shown = signer.map(|signer| signer.common_name.as_ref().unwrap_or(&signer.subject));
    let note = (unsigned && catalogs_unknown).then_some("catalog_unknown");
    let evidence = [
        ("publisher", json!(publisher)),
        ("company", json!(version.company)),
        ("legal_copyright", if by_company().is_some() { Value::Null } else { json!(version.legal_copyright) }),
        ("signer", json!(shown)),
        ("note", json!(note)),
    ];
    finding("S125", Some(severity), &evidence)
}

/// Whether one of the file's signatures, or its catalog's, is Valid and of whoever signs for others.
fn vouched_for(record: &Record, publishers: &Publishers) -> bool {
    let valid = record.signatures.iter().chain(record.catalog_signature.as_ref());
    let signers = valid.filter(|signature| signature.status == Status::Valid).filter_map(|one| one.signer.as_ref());
    let mut names =
        signers.flat_map(|signer| [signer.organization.as_deref(), signer.common_name.as_deref()]).flatten();
    names.any(|name| !is_cut(name) && publishers.named(name).is_some_and(|known| known == FOR_OTHERS))
}

/// What a finished record gives away, added to its findings in the order of their codes.
pub fn claim_findings(record: &mut Record, publishers: &Publishers) {
    if let Some(found) = another_publisher(record, publishers) {
        let place = record.findings.partition_point(|finding| finding.code <= found.code);
        record.findings.insert(place, found);
    }
}
