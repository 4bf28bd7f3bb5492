//! What whoever made a file, or answers instead of an authority, does to what others are told.

use super::*;
use crate::lab::ca::dn;
use crate::lab::cms::nested;
use crate::lab::pe::{attach, entry};

/// The server of an authority that has revoked the publisher's certificate.
fn revoking(asked: &Asked) -> Reply {
    match asked.target.as_str() {
        "/inter.crl" => body(inter_crl().lists(&LEAF, "20250301115959Z", &[]).der()),
        "/fails" => Some((500, String::new(), Vec::new())),
        _ => well(asked),
    }
}

const REVOKED: (&str, &str, Revocation) = ("Revoked", "cert-revoked", Revocation::Revoked);

/// A certificate of nobody's, that says where its issuer is.
fn stray(urls: &[&str]) -> Cert {
    let access: Vec<(&str, &str)> = urls.iter().map(|url| (ACCESS_CA_ISSUERS, *url)).collect();
    cast::leaf().without(lab::ca::AUTHORITY_KEY_ID).by(&dn("Nobody"), Key::Other).with(info_access(&access))
}

#[test]
fn a_url_in_a_certificate_that_nobody_vouches_for_silences_no_server() {
    let server = Server::start(revoking);
    let stray = program(&stray(&[&server.url("/fails")]));
    let scanner = scanner(&["root"]).with_supplier(online(&server, None));
    let first = scanner.scan_bytes("a.exe", &stray);
    assert_eq!(verdict(&first), ("Untrusted", "chain-incomplete", Revocation::NotChecked));
    assert_eq!(verdict(&scanner.scan_bytes("b.exe", &program(&leaf(&server.url(""))))), REVOKED);
}

#[test]
fn what_is_nested_uses_up_no_url_of_the_first_signature() {
    let server = Server::start(revoking);
    let junk: Vec<Vec<u8>> = (0..8u8)
        .map(|number| {
            let urls: Vec<String> = (0..8).map(|at| server.url(&format!("/none/{number}/{at}"))).collect();
            let stray = stray(&urls.iter().map(String::as_str).collect::<Vec<_>>());
            let mut signature = Signature::with(stray.der(), Key::Leaf);
            signature.certs = vec![stray.der()];
            signature.build(&Pe::pe32().bytes())
        })
        .collect();
    let leaf = leaf(&server.url(""));
    let mut signature = Signature::with(leaf.der(), Key::Leaf).add(nested(junk));
    signature.certs = vec![leaf.der()];
    let record = judged(&server, &sign(&Pe::pe32().bytes(), &signature));
    assert_eq!(verdict(&record), REVOKED);
    let told = notes(&record);
    assert_eq!(told.last(), Some(&("download-limit", "more than 48 downloads would be needed")));
}

#[test]
fn a_list_that_came_with_the_file_is_no_answer() {
    let server = Server::start(revoking);
    let leaf = leaf(&server.url(""));
    let old = Crl::by(cast::inter_name(), Key::Inter).valid("20260401000000Z", "20490101000000Z");
    let mut signature = Signature::with(leaf.der(), Key::Leaf);
    signature.certs = vec![leaf.der(), inter(&server.url(""))];
    signature.crls = vec![old.with(aki(&Key::Inter.id())).der()];
    let file = sign(&Pe::pe32().bytes(), &signature);
    let alone = scanner(&["root"]).scan_bytes("program.exe", &file);
    assert_eq!(verdict(&alone), ("Valid", "ok", Revocation::Unknown), "the intermediate's is not there");
    assert_eq!(verdict(&judged(&server, &file)), REVOKED);
    assert_eq!(server.targets(), ["/inter.crl", "/root.crl"]);
    // Where nobody answers, it stands.
    let silent = Server::start(|asked| well(asked).filter(|_| asked.target == "/root.crl"));
    let leaf = super::leaf(&silent.url(""));
    let mut signature = Signature { crls: signature.crls, ..Signature::with(leaf.der(), Key::Leaf) };
    signature.certs = vec![leaf.der(), inter(&silent.url(""))];
    let record = judged(&silent, &sign(&Pe::pe32().bytes(), &signature));
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
}

/// A false answer at this place of the authority's server, and what its record notes.
type False = (&'static str, fn(&Asked) -> Reply, &'static str, &'static str);

/// Everything false that is well formed, all of it long current.
const FALSE: [False; 7] = [
    ("/inter.crl", |_| body(Crl { broken: true, ..inter_crl() }.der()), "crl-unusable", "did not sign it"),
    (
        "/inter.crl",
        |_| body(current(Crl::by(dn("Other CA"), Key::Other)).der()),
        "download-failed",
        "inter.crl: the list is of another issuer",
    ),
    (
        "/inter.crl",
        |_| body(inter_crl().with(lab::ca::distribution_point(&elsewhere())).der()),
        "crl-unusable",
        "it belongs to another distribution point",
    ),
    (
        "/ocsp",
        |_| response(&[0x77], Said::Good, None),
        "download-failed",
        "ocsp: the answer is for another certificate",
    ),
    (
        "/ocsp",
        |asked| answered(Key::Leaf, leaf(&base(asked)).der()),
        "ocsp-unusable",
        "its certificate is not for OCSP signing",
    ),
    (
        "/ocsp",
        |_| answered(Key::Other, responder().by(&cast::inter_name(), Key::Other).der()),
        "ocsp-unusable",
        "the issuer's key did not sign its certificate",
    ),
    (
        "/inter.crt",
        |_| body(cast::authority(cast::inter_name(), Key::Other, 9).der()),
        "download-failed",
        "inter.crt: none of the certificates there issued it",
    ),
];

/// The name of another distribution point.
fn elsewhere() -> Vec<u8> {
    use lab::der::{ctx, ctx_prim};
    ctx(0, &ctx(0, &ctx_prim(6, b"http://127.0.0.1/other.crl")))
}

/// What somebody with this key, and a certificate for it, says of the publisher's.
fn answered(key: Key, certificate: Vec<u8>) -> Reply {
    let mut answer = Ocsp::by(key).valid("20260501000000Z", Some("20490101000000Z"));
    answer.certs = vec![certificate];
    body(answer.about(&cast::inter_name(), Key::Inter, &LEAF, Said::Good).der())
}

/// A responder's certificate, for the key of nobody else.
fn responder() -> Cert {
    let cert = Cert::own(dn("Responder"), Key::Other, &[0x99]).valid("20240101000000Z", "20490101000000Z");
    cert.with(lab::ca::eku(&[lab::ca::OCSP_SIGNING])).with(lab::ca::ocsp_no_check()).by(&cast::inter_name(), Key::Inter)
}

#[test]
fn a_false_answer_is_noted_and_not_kept_as_fresh() {
    for (place, falsely, code, note) in FALSE {
        let folder = tempfile::tempdir().unwrap();
        let honest = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_honest = Arc::clone(&honest);
        let server = Server::start(move |asked| {
            let honest = is_honest.load(std::sync::atomic::Ordering::SeqCst);
            let head = "cache-control: max-age=2592000\r\n".to_owned();
            let (status, _, bytes) = match asked.target.as_str() {
                target if target == place && !honest => falsely(asked),
                "/inter.crl" if place == "/ocsp" => None,
                "/ocsp" => response(&LEAF, Said::Revoked("20250301115959Z", 1), None),
                _ => revoking(asked),
            }?;
            Some((status, head, bytes))
        });
        // OCSP is another question, asked only where the list is not there.
        let leaf = match place {
            "/ocsp" => leaf(&server.url("")),
            _ => leaf(&server.url(""))
                .without("1.3.6.1.5.5.7.1.1")
                .with(info_access(&[(ACCESS_CA_ISSUERS, &server.url("/inter.crt"))])),
        };
        let program = program(&leaf);
        let run = || {
            let downloads = online(&server, Some(folder.path()));
            scanner(&["root"]).with_supplier(downloads).scan_bytes("program.exe", &program)
        };
        let record = run();
        let expected = match place {
            "/inter.crt" => ("Untrusted", "chain-incomplete", Revocation::NotChecked),
            _ => ("Valid", "ok", Revocation::Unknown),
        };
        assert_eq!(verdict(&record), expected, "{note}");
        let told = notes(&record);
        assert!(told.iter().any(|(with, text)| *with == code && text.contains(note)), "{note}: {told:?}");
        honest.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(verdict(&run()), REVOKED, "{note}");
    }
}

#[test]
fn what_a_certified_responder_says_is_kept() {
    let (server, program) = responding(|_| answered(Key::Other, responder().der()));
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let downloads = online(&server, Some(folder.path()));
        scanner(&["root"]).with_supplier(downloads).scan_bytes("program.exe", &program)
    };
    let record = run();
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
    assert_eq!(server.targets(), ["/inter.crt", "/ocsp", "/root.crl"]);
    assert_eq!((run(), server.asked().len()), (record, 3));
}

/// `count` lists in the issuer's name, each saying that it is the latest and that the certificate is on it.
fn forged(count: usize) -> Vec<Vec<u8>> {
    let number = |number: usize| lab::ca::crl_number(u8::try_from(number).unwrap());
    let list = |at| {
        inter_crl().valid("20260531000000Z", "20490101000000Z").with(number(at)).lists(&LEAF, "20250301115959Z", &[])
    };
    (0..count).map(|at| Crl { broken: true, ..list(at) }.der()).collect()
}

#[test]
fn an_answer_is_one_list_and_an_issuer_brings_no_lists() {
    let pem = |der: &[u8]| {
        let block = pem::Pem::new("X509 CRL", der.to_vec());
        pem::encode(&block).into_bytes()
    };
    let server = Server::start(move |asked| match asked.target.as_str() {
        "/stray.crt" => {
            let issuer = cast::authority(dn("Nobody"), Key::Other, 9).der();
            let mut text = pem::encode(&pem::Pem::new("CERTIFICATE", issuer)).into_bytes();
            text.extend(forged(17).iter().flat_map(|list| pem(list)));
            body(text)
        }
        "/inter.crl" => {
            let honest = inter_crl().lists(&LEAF, "20250301115959Z", &[]).der();
            let all: Vec<u8> = std::iter::once(&honest).chain(&forged(17)).flat_map(|list| pem(list)).collect();
            body(all)
        }
        _ => well(asked),
    });
    let honest = program(&leaf(&server.url("")));
    assert_eq!(verdict(&judged(&server, &honest)), REVOKED);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("files")).unwrap();
    std::fs::write(path("files/a.exe"), program(&stray(&[&server.url("/stray.crt")]))).unwrap();
    std::fs::write(path("files/b.exe"), &honest).unwrap();
    let host = server.address.to_string();
    let fetched = sigscan(&["fetch", &path("files"), "--output", &path("kept"), "--allow-host", &host]);
    assert_eq!(fetched.status.code(), Some(0), "{}", text(&fetched.stderr));
    let lists = sigscan::trust::RevocationLists::load(&[PathBuf::from(path("kept"))]).unwrap();
    assert_eq!(lists.crls(), 2, "the honest ones");
    let offline = sigscan(&[&path("files/b.exe"), "--json", "--crl", &path("kept"), "--intermediates", &path("kept")]);
    assert_eq!(told(&offline), owned("Revoked", "cert-revoked", "revoked"));
}

#[test]
fn lists_that_nobody_signed_take_no_other_s_place() {
    let mut lists = sigscan::trust::RevocationLists::new();
    for list in forged(100) {
        lists.add_bytes("forged", list);
    }
    lists.add_bytes("inter.crl", inter_crl().lists(&LEAF, "20250301115959Z", &[]).der());
    lists.add_bytes("root.crl", root_crl());
    let file = Pe::pe32().bytes();
    let file = attach(&file, &entry(&Signature::default().build(&file)));
    let record = scanner(&["root"]).with_revocation(lists).scan_bytes("program.exe", &file);
    assert_eq!(verdict(&record), REVOKED);
}

#[test]
fn a_catalog_s_verdict_comes_with_its_revocation() {
    use crate::lab::catalog::{MEMBER_V2, catalog, list, raw};
    let listed = Pe::pe32().bytes();
    let digest = lab::pe::authentihash(&listed, lab::keys::Hash::Sha256);
    let judge = |server: &Server| {
        let leaf = leaf(&server.url(""));
        let mut signature = Signature::with(leaf.der(), Key::Leaf);
        signature.certs = vec![leaf.der()];
        let catalog = catalog(list(MEMBER_V2, &[raw(&digest)]), signature);
        let index = sigscan::trust::CatalogIndex::from_bytes(vec![("a.cat".into(), catalog)]);
        let scanner = scanner(&["root"]).with_catalogs(index).with_supplier(online(server, None));
        scanner.scan_bytes("program.exe", &listed)
    };
    assert_eq!(verdict(&judge(&Server::start(revoking))), REVOKED);
    let good = judge(&Server::start(well));
    assert_eq!((verdict(&good), notes(&good)), (("Valid", "ok", Revocation::Good), vec![]));
    let silent = Server::start(|asked| well(asked).filter(|_| asked.target != "/inter.crl"));
    let record = judge(&silent);
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Unknown));
    let expected = [("/inter.crl", "CRL"), ("/ocsp", "OCSP response")].map(|(path, what)| {
        let url = silent.url(path);
        format!("no {what} for certificate 102030 from {url}: the server answered with status 404")
    });
    assert_eq!(notes(&record), expected.each_ref().map(|note| ("download-failed", note.as_str())));
}

#[test]
fn an_entry_of_the_cache_is_no_longer_fresh_than_the_list_says() {
    use sigscan::online::{Meta, Validators};
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(revoking);
    let url = server.url("/inter.crl");
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (before, after) = (since_1970.as_secs() - 60, since_1970.as_secs() + 20 * 24 * 3600);
    let store = |list: Crl| {
        let (cache, list) = (Cache::open(folder.path(), 1 << 20).unwrap(), list.der());
        let meta = Meta::new(&url, before, after, Validators::default(), &list);
        cache.store(&format!("CRL {url} "), &meta, &list).unwrap();
        let program = program(&leaf(&server.url("")));
        scanner(&["root"]).with_supplier(online(&server, Some(folder.path()))).scan_bytes("program.exe", &program)
    };
    // One that is still current is taken without a question, which shows that the entry is found.
    assert_eq!(verdict(&store(inter_crl())), ("Valid", "ok", Revocation::Good));
    assert_eq!(verdict(&store(inter_crl().valid("20200101000000Z", "20200201000000Z"))), REVOKED);
}
