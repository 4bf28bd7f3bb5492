//! What a catalog says of a file, in the file's record.

use super::{Profile, Record, Signature, Status};

impl Record {
    /// Whether a catalog lists the file.
    #[must_use]
    pub fn is_in_catalog(&self) -> bool {
        self.catalog_signature.is_some() || !matches!(self.catalog.as_str(), "none" | "not-checked")
    }

    /// The catalog's signature, if its verdict is the file's. Where the kernel has its say, the verdict is no signature's
    /// alone, and the signer tells.
    #[must_use]
    pub fn deciding_catalog(&self) -> Option<&Signature> {
        self.catalog_signature.as_ref().filter(|listed| self.is_decided_by(listed))
    }

    /// Whether a signature is the one that the record is about.
    #[must_use]
    pub fn is_decided_by(&self, signature: &Signature) -> bool {
        let by_kernel = self.kernel.is_some() && self.policy.name == Profile::Kernel;
        let same_verdict = signature.status == self.status && signature.reason == self.reason;
        (same_verdict || by_kernel)
            && signature.signer == self.signer
            && signature.claimed_signer == self.claimed_signer
    }

    /// Catalogs were looked at and none lists the file.
    pub(crate) fn in_no_catalog(&mut self) {
        "none".clone_into(&mut self.catalog);
    }

    /// A catalog lists the file; its own record and deciding signature are given. If it decides, the verdict, the signer, the
    /// timestamp and what is known of revocation become the catalog's, with what was noted on the way to it. `keys` stay those of the file: they join files that carry the
    /// same signature, which the members of a catalog do not.
    pub(crate) fn in_catalog(&mut self, catalog: &Record, signature: Option<&Signature>, decides: bool) {
        self.catalog.clone_from(&catalog.path);
        self.catalog_signature = signature.cloned();
        if !decides {
            return;
        }
        self.status = catalog.status;
        self.reason = catalog.reason;
        self.hresult.clone_from(&catalog.hresult);
        self.other_reasons.clone_from(&catalog.other_reasons);
        self.self_signed = catalog.self_signed;
        self.ev_code_signing = catalog.ev_code_signing;
        self.signer.clone_from(&catalog.signer);
        self.claimed_signer.clone_from(&catalog.claimed_signer);
        self.timestamp.clone_from(&catalog.timestamp);
        self.revocation = catalog.revocation;
        let of_revocation =
            |code: &str| ["download-", "crl-", "ocsp-"].iter().any(|beginning| code.starts_with(beginning));
        for anomaly in catalog.anomalies.iter().filter(|anomaly| of_revocation(&anomaly.code)) {
            if !self.anomalies.contains(anomaly) {
                self.anomalies.push(anomaly.clone());
            }
        }
        self.error = catalog.error.clone().filter(|_| catalog.status == Status::Error);
    }
}
