//! Making the embedded store: Microsoft's root list plus the roots that are built into Windows.

use super::{
    LoadError, Provenance, RootFacts, TrustStore, certificates_in, ctl_from_stl, root_from_certificate, roots_from_ctl,
};
use crate::asn1::Time;
use crate::x509::{Name, serial_to_hex};

/// What the embedded store is made of.
#[derive(Debug)]
pub struct Ingredients<'i> {
    /// `authroot.stl`.
    pub list: &'i [u8],
    /// The list's certificates, PEM.
    pub certificates: &'i [u8],
    /// Roots that Windows holds whatever the list says, PEM.
    pub built_in: &'i [u8],
    /// Name of the store.
    pub name: &'i str,
    /// What the ingredients are, with versions.
    pub sources: &'i [String],
}

/// The store and how many entries of the list have no certificate.
///
/// The list is believed only if its signer chains to one of the built-in Microsoft roots given here.
///
/// # Errors
/// When the list is not believed.
pub fn build_store(ingredients: &Ingredients<'_>) -> Result<(Vec<u8>, usize), LoadError> {
    let refused = |why: String| LoadError::Refused("the root list".into(), why);
    let legacy: Vec<RootFacts> = certificates_in(ingredients.built_in)
        .iter()
        .filter_map(|der| root_from_certificate(der))
        .map(|root| RootFacts { built_in: is_microsofts_own(&root), ..root })
        .collect();
    let anchors = TrustStore::from_roots(&Provenance::default(), &legacy);
    let ctl = ctl_from_stl(ingredients.list, &anchors).map_err(refused)?;
    let certificates = certificates_in(ingredients.certificates);
    let (mut roots, missing) = roots_from_ctl(&ctl, certificates.iter().map(Vec::as_slice));
    for root in legacy {
        match roots.iter_mut().find(|known| known.thumbprint_sha256 == root.thumbprint_sha256) {
            Some(known) => known.built_in = root.built_in,
            None => roots.push(root),
        }
    }
    let provenance = Provenance {
        name: ingredients.name.to_owned(),
        date: ctl.this_update.map(Time::to_rfc3339).unwrap_or_default(),
        sources: ingredients.sources.to_vec(),
        sequence: ctl.sequence_number.map(serial_to_hex).unwrap_or_default(),
        ..Provenance::default()
    };
    Ok((super::encode(&provenance, &roots), missing))
}

/// Microsoft's own roots among those built into Windows are exempt from the programme's dates and usages;
/// the others (VeriSign, Thawte, Symantec) keep them.
fn is_microsofts_own(root: &RootFacts) -> bool {
    Name::decode(&root.subject).attributes.iter().any(|(title, value)| match title.as_str() {
        "O" => matches!(value.as_str(), "Microsoft Corporation" | "MSFT" | "Microsoft Trust Network"),
        "OU" => value == "Microsoft Corporation",
        // The root of 2001 has no organisation: DC=com, DC=microsoft, CN=Microsoft Root Certificate Authority.
        "DC" => value == "microsoft",
        _ => false,
    })
}
