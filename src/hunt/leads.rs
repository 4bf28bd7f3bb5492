//! Who vouches for a signer, by everything that is wrong with the signature: whoever founds an authority also makes its
//! revocation lists, and a reason that decides earlier hides that nobody trusts the root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{Reason, Status};

/// Where the chain of the signer's certificate leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeadsTo {
    /// A root that is trusted, through authorities that were allowed to issue.
    TrustedRoot,
    /// The certificate itself, or a root that nobody trusts: any name can stand in it.
    UntrustedRoot,
    /// No root: an issuer is missing, did not sign it or was not allowed to.
    Nowhere,
}

impl LeadsTo {
    /// What a status and all its reasons say; `None` where they do not tell.
    pub(super) fn of(status: Status, reasons: impl IntoIterator<Item = Reason>) -> Option<LeadsTo> {
        let (mut astray, mut forbidden) = (false, false);
        for reason in reasons {
            match reason {
                Reason::SelfSigned | Reason::UntrustedRoot => return Some(LeadsTo::UntrustedRoot),
                Reason::ChainIncomplete | Reason::CertSignature => astray = true,
                Reason::BasicConstraints
                | Reason::PathLen
                | Reason::NameConstraint
                | Reason::Policy
                | Reason::CriticalExt => forbidden = true,
                _ => {}
            }
        }
        let complete = matches!(status, Status::Valid | Status::Expired | Status::Revoked);
        match complete {
            _ if astray => Some(LeadsTo::Nowhere),
            true if forbidden => Some(LeadsTo::Nowhere),
            true => Some(LeadsTo::TrustedRoot),
            false => None,
        }
    }

    /// What the reason that decided says alone. A revocation says nothing: an authority of anybody's can revoke.
    pub(super) fn by(status: Status, reason: Reason) -> Option<LeadsTo> {
        LeadsTo::of(status, [reason]).filter(|_| status != Status::Revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_counts() {
        use LeadsTo::{Nowhere, TrustedRoot, UntrustedRoot};
        use Reason::{
            BadDigest, BasicConstraints, CertExpired, CertRevoked, ChainIncomplete, Ok, RootDisabled, SelfSigned,
            UntrustedRoot as NoRoot, WeakSignature,
        };
        for (reasons, expected) in [
            (&[Ok][..], Some(TrustedRoot)),
            (&[CertExpired], Some(TrustedRoot)),
            (&[CertRevoked], Some(TrustedRoot)),
            (&[CertRevoked, RootDisabled, CertExpired], Some(TrustedRoot)),
            (&[CertRevoked, NoRoot], Some(UntrustedRoot)),
            (&[CertRevoked, SelfSigned], Some(UntrustedRoot)),
            (&[CertRevoked, ChainIncomplete], Some(Nowhere)),
            (&[CertRevoked, CertExpired, BasicConstraints], Some(Nowhere)),
            (&[CertExpired, BasicConstraints], Some(Nowhere)),
            (&[WeakSignature], None),
            (&[WeakSignature, SelfSigned], Some(UntrustedRoot)),
            (&[WeakSignature, CertRevoked, NoRoot], Some(UntrustedRoot)),
            (&[BadDigest, CertRevoked], None),
            (&[BadDigest, NoRoot], Some(UntrustedRoot)),
            (&[BasicConstraints], None),
        ] {
            assert_eq!(LeadsTo::of(reasons[0].status(), reasons.iter().copied()), expected, "{reasons:?}");
        }
        assert_eq!(LeadsTo::by(Status::Revoked, CertRevoked), None);
        assert_eq!(LeadsTo::by(Status::Untrusted, ChainIncomplete), Some(Nowhere));
    }
}
