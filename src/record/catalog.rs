//! What a catalog says of a file, in the file's record.

use super::{Record, Signature, Status};

impl Record {
    /// Catalogs were looked at and none lists the file.
    pub(crate) fn in_no_catalog(&mut self) {
        "none".clone_into(&mut self.catalog);
    }

    /// A catalog lists the file; its own record and deciding signature are given. If it decides, the verdict, the
    /// signer and the timestamp become the catalog's. `keys` stay those of the file: they join files that carry the
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
        self.error = catalog.error.clone().filter(|_| catalog.status == Status::Error);
    }
}
