//! Certificates that Windows itself puts into its stores.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::trust::TrustStore;

/// The name of a root of Microsoft's programme, or of one that is built into Windows, by the SHA-1 of its certificate in
/// hexadecimal. The name of a registry key only claims to be that digest: whoever writes the key can write anything below
/// it.
pub(super) fn known_root(thumbprint: &str) -> Option<&'static str> {
    static ROOTS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        let store = TrustStore::embedded();
        let roots = store.roots().into_iter();
        roots
            .map(|root| {
                let digits = crate::hex::lower(root.thumbprint_sha1);
                (digits, root.friendly_name.unwrap_or("a root without a name").to_owned())
            })
            .collect()
    });
    ROOTS.get(&thumbprint.to_ascii_lowercase()).map(String::as_str)
}
