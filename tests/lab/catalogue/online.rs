//! What has to be asked for over the network: `tests/corpus/online.py` serves it with real servers. Offline these files
//! lack an issuer.

use super::{Fixture, signed};
use crate::lab::ca::{ACCESS_CA_ISSUERS, ACCESS_OCSP, Cert, Crl, aki, crl_points, info_access};
use crate::lab::cast;
use crate::lab::cms::Signature;
use crate::lab::der::Der;
use crate::lab::keys::Key;

pub fn fixtures() -> Vec<Fixture> {
    vec![
        Fixture::new("online.exe", "", "issuer, list and responder are at servers on this machine", || {
            let mut signature = Signature::with(leaf().der(), Key::Leaf);
            signature.certs = vec![leaf().der()];
            signed(signature)
        })
        .untrusted("chain-incomplete"),
    ]
}

/// The publisher's certificate, for as long as anybody will ask a real responder about it.
fn leaf() -> Cert {
    let access = [(ACCESS_CA_ISSUERS, "http://localhost:18381/inter.crt"), (ACCESS_OCSP, "http://localhost:18382/")];
    cast::leaf().valid("20240101000000Z", "20400101000000Z").with(info_access(&access))
}

/// What `testdata/online/` holds: the files that the servers serve.
pub fn served() -> Vec<(&'static str, Der)> {
    let inter = cast::inter().with(crl_points(&["http://localhost:18381/root.crl"]));
    let crl = Crl::by(cast::root_name(), Key::Root).with(aki(&Key::Root.id()));
    vec![("inter.crt", inter.der()), ("root.crl", crl.valid("20260501000000Z", "20490101000000Z").der())]
}
