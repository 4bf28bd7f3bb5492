#![allow(clippy::arithmetic_side_effects)] // tests may overflow: they would panic, and fail

use super::*;

/// A policy around file rules, signers and what the kernel's scenario denies.
fn policy(file_rules: &str, signers: &str, product: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\">\
         <VersionEx>10.0.0.0</VersionEx><Rules><Rule><Option>Enabled:Audit Mode</Option></Rule></Rules>\
         <EKUs><EKU ID=\"ID_EKU_WHQL\" Value=\"010A2B0601040182370A0305\"/><EKU ID=\"ID_EKU_ODD\" Value=\"0109\"/></EKUs>\
         <FileRules>{file_rules}</FileRules><Signers>{signers}</Signers><SigningScenarios>\
         <SigningScenario Value=\"131\" ID=\"ID_SIGNINGSCENARIO_DRIVERS\"><ProductSigners>{product}</ProductSigners>\
         </SigningScenario></SigningScenarios><UpdatePolicySigners/><CiSigners/><HvciOptions>0</HvciOptions></SiPolicy>"
    )
}

/// The same with every Deny rule and every Signer denied.
fn denying(file_rules: &str, signers: &str) -> String {
    let ids = |text: &str, element: &str| -> Vec<String> {
        let start = format!("<{element} ");
        let parts = text.split(start.as_str()).skip(1);
        parts.map(|part| part.split("ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
    };
    let signed: String = ids(signers, "Signer").iter().map(|id| format!("<DeniedSigner SignerId=\"{id}\"/>")).collect();
    let denied: String = ids(file_rules, "Deny").iter().map(|id| format!("<FileRuleRef RuleID=\"{id}\"/>")).collect();
    let product = format!("<DeniedSigners>{signed}</DeniedSigners><FileRulesRef>{denied}</FileRulesRef>");
    policy(file_rules, signers, &product)
}

fn rules(text: &str) -> DenyRules {
    DenyRules::read(text.as_bytes()).unwrap()
}

fn driver() -> Subject {
    Subject {
        hashes: vec![(HashOf::Authentihash, vec![1; 32]), (HashOf::FirstPage, vec![2; 20])],
        attributes: vec![
            (Field::FileName, "Tool.SYS".to_owned()),
            (Field::InternalName, "tool".to_owned()),
            (Field::FileDescription, "A tool".to_owned()),
            (Field::ProductName, "Tools".to_owned()),
        ],
        version: Some(FileVersion([1, 2, 3, 4])),
        scenarios: Scenarios::KERNEL,
        signers: vec![SubjectSigner {
            certificates: vec![vec![3; 32], vec![4; 20]],
            publisher: Some("Some Publisher".to_owned()),
            program: Some("Some OEM".to_owned()),
            usages: vec![b"\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x05".to_vec()],
        }],
    }
}

/// Who denies the driver, by what, and what matched.
fn denied(rules: &DenyRules, subject: &Subject) -> Option<(String, DeniedBy, String)> {
    rules.find(subject).map(|denial| (denial.rule.id.to_string(), denial.by, denial.matched))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[test]
fn hashes_name_a_file_its_first_page_or_all_of_it() {
    let deny = |octets: &[u8]| rules(&denying(&format!("<Deny ID=\"ID_DENY_A\" Hash=\"{}\"/>", hex(octets)), ""));
    let by = |of, octets: &[u8]| Some(("ID_DENY_A".to_owned(), DeniedBy::Hash(of, octets.to_vec()), String::new()));
    assert_eq!(denied(&deny(&[1; 32]), &driver()), by(HashOf::Authentihash, &[1; 32]));
    assert_eq!(denied(&deny(&[2; 20]), &driver()), by(HashOf::FirstPage, &[2; 20]));
    assert_eq!(denied(&deny(&[1; 20]), &driver()), None);
    let script = Subject { hashes: vec![(HashOf::File, vec![5; 32])], ..Subject::default() };
    assert_eq!(denied(&deny(&[5; 32]), &script), by(HashOf::File, &[5; 32]));
    // A digest is what it is, in whatever scenario.
    let user = Subject { scenarios: Scenarios::USER, ..driver() };
    assert_eq!(denied(&deny(&[1; 32]), &user), by(HashOf::Authentihash, &[1; 32]));
    // What stands there twice is one thing; what is no SHA-1 or SHA-256 is none.
    let twice = format!("<Deny ID=\"A\" Hash=\"{0}\"/><Deny ID=\"B\" Hash=\"{0}\"/>", hex(&[1; 32]));
    assert_eq!(rules(&denying(&twice, "")).note(), "rules used: 1 by hash, 0 by file attributes, 0 by signer");
    let odd = "<Deny ID=\"A\" Hash=\"0G\"/><Deny ID=\"B\" Hash=\"012\"/><Deny ID=\"C\" Hash=\"0123\"/>";
    assert_eq!(
        rules(&denying(odd, "")).note(),
        "rules used: 0 by hash, 0 by file attributes, 0 by signer; not used: 3 whose values cannot be read"
    );
}

#[test]
fn attributes_are_compared_without_case_and_all_of_them_have_to_fit() {
    let by = |rule: &str| {
        let text = denying(&format!("<Deny ID=\"ID_DENY_A\" FriendlyName=\"A\" {rule}/>"), "");
        denied(&rules(&text), &driver()).map(|(_, by, matched)| {
            assert_eq!(by, DeniedBy::Attributes);
            matched
        })
    };
    let some = |text: &str| Some(text.to_owned());
    let all = "MinimumFileVersion=\"0.0.0.0\" MaximumFileVersion=\"65535.65535.65535.65535\"";
    assert_eq!(by(&format!("FileName=\"TOOL.sys\" {all}")), some("FileName=tool.sys"));
    assert_eq!(by("FileName=\"tool.sys\" MinimumFileVersion=\"65535.65535.65535.65535\""), some("FileName=tool.sys"));
    assert_eq!(by("InternalName=\"TOOL\""), some("InternalName=tool"));
    assert_eq!(by("FileDescription=\"a tool\""), some("FileDescription=a tool"));
    assert_eq!(by("ProductName=\"Tools\" FileName=\"*\""), some("ProductName=tools"));
    assert_eq!(by("ProductName=\"Tools\" FileName=\"tool.sys\""), some("FileName=tool.sys; ProductName=tools"));
    for other in ["FileName=\"tool.sys \"", "FileName=\"tool\"", "ProductName=\"Tools\" FileName=\"other.sys\""] {
        assert_eq!(by(other), None, "{other}");
    }
    // The boundaries: a lone minimum is the newest that is denied.
    let bounds = |minimum: &str, maximum: &str| {
        let minimum = if minimum.is_empty() { String::new() } else { format!("MinimumFileVersion=\"{minimum}\"") };
        let maximum = if maximum.is_empty() { String::new() } else { format!("MaximumFileVersion=\"{maximum}\"") };
        by(&format!("FileName=\"tool.sys\" {minimum} {maximum}")).is_some()
    };
    assert!(bounds("1.2.3.4", "") && bounds("1.2.3.5", "") && !bounds("1.2.3.3", "") && !bounds("0.0.0.0", ""));
    assert!(bounds("", "1.2.3.4") && bounds("", "1.2.3.3") && !bounds("", "1.2.3.5"));
    assert!(bounds("1.2.3.4", "1.2.3.4") && bounds("0.0.0.0", "1.2.3.4") && bounds("1.2.3.4", "9.0.0.0"));
    assert!(!bounds("1.2.3.5", "9.0.0.0") && !bounds("0.0.0.0", "1.2.3.3") && !bounds("9.0.0.0", "0.0.0.0"));
    assert_eq!(
        by("FileName=\"tool.sys\" MinimumFileVersion=\"2.0.0.0\""),
        some("FileName=tool.sys; version 1.2.3.4 is in 0.0.0.0 to 2.0.0.0")
    );
    // Another scenario, and a file that says nothing of itself.
    let text = denying("<Deny ID=\"A\" FileName=\"tool.sys\"/>", "");
    assert_eq!(denied(&rules(&text), &Subject { scenarios: Scenarios::USER, ..driver() }), None);
    assert_eq!(denied(&rules(&text.replace("\"131\"", "\" 12 \"")), &driver()), None);
    let user = Subject { scenarios: Scenarios::USER, ..driver() };
    assert!(denied(&rules(&text.replace("\"131\"", "\"12\"")), &user).is_some());
    assert_eq!(denied(&rules(&text), &Subject { attributes: Vec::new(), ..driver() }), None);
}

#[test]
fn a_signer_is_denied_if_all_fits_that_its_rule_asks_for() {
    let root = hex(&[4; 20]);
    let attributes = "<FileAttrib ID=\"F1\" FileName=\"tool.sys\" MinimumFileVersion=\"1.2.3.4\"/>\
                      <FileAttrib ID=\"F2\" ProductName=\"Tools\" MinimumFileVersion=\"9.0.0.0\" MaximumFileVersion=\"9.9.9.9\"/>\
                      <FileAttrib ID=\"F3\" FileName=\"*\" MaximumFileVersion=\"1.0.0.0\"/>";
    let by = |conditions: &str| {
        let signer =
            format!("<Signer ID=\"S\" Name=\"Some CA\"><CertRoot Type=\"TBS\" Value=\"{root}\"/>{conditions}</Signer>");
        let rules = rules(&denying(attributes, &signer));
        denied(&rules, &driver()).map(|(id, by, matched)| {
            assert_eq!((id.as_str(), by), ("S", DeniedBy::Signer(0, vec![4; 20])));
            matched
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(by(""), some(""));
    assert_eq!(by("<CertPublisher Value=\"some publisher\"/>"), some("CertPublisher=Some Publisher"));
    assert_eq!(by("<CertPublisher Value=\"Another\"/>"), None);
    assert_eq!(by("<CertOemID Value=\"Some OEM\"/>"), some("CertOemID=Some OEM"));
    assert_eq!(by("<CertOemID Value=\"Another\"/>"), None);
    assert_eq!(by("<CertEKU ID=\"ID_EKU_WHQL\"/>"), some("CertEKU=1.3.6.1.4.1.311.10.3.5"));
    let attribute = |id: &str| format!("<FileAttribRef RuleID=\"{id}\"/>");
    assert_eq!(by(&attribute("F1")), some("FileName=tool.sys; version 1.2.3.4 is in 0.0.0.0 to 1.2.3.4"));
    assert_eq!(by(&attribute("F2")), None);
    assert_eq!(by(&(attribute("F2") + &attribute("F1"))), by(&attribute("F1")));
    assert_eq!(by(&attribute("F3")), some("version 1.2.3.4 is in 1.0.0.0 to 65535.65535.65535.65535"));
    let whole = format!(
        "<CertEKU ID=\"ID_EKU_WHQL\"/><CertPublisher Value=\"Some Publisher\"/><CertOemID Value=\"some oem\"/>{}",
        attribute("F1")
    );
    assert_eq!(
        by(&whole),
        some(
            "CertPublisher=Some Publisher; CertOemID=Some OEM; CertEKU=1.3.6.1.4.1.311.10.3.5; \
             FileName=tool.sys; version 1.2.3.4 is in 0.0.0.0 to 1.2.3.4"
        )
    );
    // Another usage, no program name, another chain, another scenario.
    let signer = |root: &[u8], rest: &str| {
        format!("<Signer ID=\"S\" Name=\"x\"><CertRoot Type=\"TBS\" Value=\"{}\"/>{rest}</Signer>", hex(root))
    };
    let whql = rules(&denying("", &signer(&[3; 32], "<CertEKU ID=\"ID_EKU_WHQL\"/>")));
    let mut subject = driver();
    assert!(denied(&whql, &subject).is_some());
    subject.signers[0].usages.clear();
    assert_eq!(denied(&whql, &subject), None);
    let oem = rules(&denying("", &signer(&[3; 32], "<CertOemID Value=\"x\"/>")));
    subject.signers[0].program = None;
    assert_eq!(denied(&oem, &subject), None);
    assert_eq!(denied(&rules(&denying("", &signer(&[9; 32], ""))), &driver()), None);
    let user = Subject { scenarios: Scenarios::USER, ..driver() };
    assert_eq!(denied(&rules(&denying("", &signer(&[3; 32], ""))), &user), None);
    // The first signature that is denied counts.
    let mut two = driver();
    two.signers.insert(0, SubjectSigner { certificates: vec![vec![7; 32]], ..SubjectSigner::default() });
    let found = denied(&rules(&denying("", &signer(&[3; 32], ""))), &two).unwrap();
    assert_eq!(found.1, DeniedBy::Signer(1, vec![3; 32]));
}

#[test]
fn what_is_allowed_suppresses_nothing_but_an_exception_of_a_denied_signer_does() {
    let allow = "<Allow ID=\"ALL\" FileName=\"*\"/><Deny ID=\"D\" FileName=\"tool.sys\"/>";
    let product = "<AllowedSigners><AllowedSigner SignerId=\"S\"><ExceptDenyRule DenyRuleID=\"D\"/></AllowedSigner>\
                   </AllowedSigners><FileRulesRef><FileRuleRef RuleID=\"ALL\"/><FileRuleRef RuleID=\"D\"/></FileRulesRef>";
    let found = rules(&policy(allow, "", product));
    assert_eq!(denied(&found, &driver()).unwrap().0, "D");
    assert_eq!(found.note(), "rules used: 0 by hash, 1 by file attributes, 0 by signer; not used: 1 that allow");
    let signer = format!("<Signer ID=\"S\" Name=\"x\"><CertRoot Type=\"TBS\" Value=\"{}\"/></Signer>", hex(&[3; 32]));
    let except = |rule: &str| {
        let product = "<DeniedSigners><DeniedSigner SignerId=\"S\"><ExceptAllowRule AllowRuleID=\"X\"/></DeniedSigner>\
                       </DeniedSigners>";
        rules(&policy(&format!("<Allow ID=\"X\" {rule}/>"), &signer, product))
    };
    let is_denied = |rule: &str| denied(&except(rule), &driver()).is_some();
    assert!(!is_denied(&format!("Hash=\"{}\"", hex(&[1; 32]))) && is_denied(&format!("Hash=\"{}\"", hex(&[9; 32]))));
    assert!(!is_denied("FileName=\"tool.sys\" MinimumFileVersion=\"1.2.3.4\""));
    assert!(is_denied("FileName=\"tool.sys\" MinimumFileVersion=\"1.2.3.5\""), "newer ones only are allowed");
    assert!(!is_denied("FileName=\"*\""));
    assert_eq!(
        except("FilePath=\"%OSDRIVE%\\*\"").note(),
        "rules used: 0 by hash, 0 by file attributes, 0 by signer; \
         not used: 1 with an exception that cannot be looked at, 1 that allow"
    );
}

#[test]
fn every_rule_that_is_not_used_is_counted() {
    let file_rules = "<Deny ID=\"P\" FilePath=\"C:\\x\\*\"/><Deny ID=\"K\" PackageFamilyName=\"x_1\" MinimumFileVersion=\"1.0.0.0\"/>\
        <Deny ID=\"A\" FileName=\"a\" AppIDs=\"app.exe\"/><Deny ID=\"E\" FileName=\"*\"/><Deny ID=\"N\"/>\
        <Deny ID=\"V\" FileName=\"a\" MinimumFileVersion=\"1.x.0.0\"/><Deny ID=\"E\" FileName=\"b\"/>\
        <FileRule ID=\"G\" Type=\"Exclude\" FileName=\"general\"/><FileRule ID=\"H\" Type=\"Odd\" FileName=\"x\"/>\
        <FileAttrib ID=\"F\" FilePath=\"x\"/><Other/>";
    let root = hex(&[3; 32]);
    let signers = format!(
        "<Signer ID=\"W\" Name=\"\"><CertRoot Type=\"Wellknown\" Value=\"06\"/></Signer>\
         <Signer ID=\"I\" Name=\"\"><CertRoot Type=\"TBS\" Value=\"{root}\"/><CertIssuer Value=\"x\"/></Signer>\
         <Signer ID=\"T\" Name=\"\" SignTimeAfter=\"2020-01-01T00:00:00Z\"><CertRoot Type=\"TBS\" Value=\"{root}\"/></Signer>\
         <Signer ID=\"R\" Name=\"\"><CertRoot Type=\"TBS\" Value=\"00\"/></Signer><Signer ID=\"R\" Name=\"\"/>\
         <Signer ID=\"U\" Name=\"\"><CertRoot Type=\"TBS\" Value=\"{root}\"/><CertEKU ID=\"NONE\"/></Signer>\
         <Signer ID=\"O\" Name=\"\"><CertRoot Type=\"TBS\" Value=\"{root}\"/><CertEKU ID=\"ID_EKU_ODD\"/></Signer>\
         <Signer ID=\"F\" Name=\"\"><CertRoot Type=\"TBS\" Value=\"{root}\"/><FileAttribRef RuleID=\"F\"/></Signer>"
    );
    let product = "<DeniedSigners><DeniedSigner SignerId=\"W\"/><DeniedSigner SignerId=\"I\"/><DeniedSigner SignerId=\"T\"/>\
        <DeniedSigner SignerId=\"R\"/><DeniedSigner SignerId=\"U\"/><DeniedSigner SignerId=\"O\"/><DeniedSigner SignerId=\"F\"/>\
        <DeniedSigner SignerId=\"MISSING\"/></DeniedSigners><FileRulesRef><FileRuleRef RuleID=\"P\"/><FileRuleRef RuleID=\"K\"/>\
        <FileRuleRef RuleID=\"A\"/><FileRuleRef RuleID=\"E\"/><FileRuleRef RuleID=\"V\"/><FileRuleRef RuleID=\"MISSING\"/>\
        </FileRulesRef>";
    let more = "<SigningScenario Value=\"12\" InheritedScenarios=\"ID_SIGNINGSCENARIO_DRIVERS\"><ProductSigners/><TestSigners>\
        <DeniedSigners><DeniedSigner SignerId=\"W\"/></DeniedSigners></TestSigners></SigningScenario>\
        <SigningScenario Value=\"13\"><ProductSigners><FileRulesRef><FileRuleRef RuleID=\"G\"/></FileRulesRef></ProductSigners>\
        </SigningScenario></SigningScenarios>";
    let text = policy(file_rules, &signers, product).replace("</SigningScenarios>", more);
    let found = rules(&text);
    assert!(found.is_empty());
    assert_eq!(
        found.note(),
        "rules used: 0 by hash, 0 by file attributes, 0 by signer; not used: 2 by file path, 1 by package, \
         1 for single applications (AppIDs), 1 that name every file, 3 whose values cannot be read, \
         2 with an ID that another has, 2 that no signing scenario refers to, 3 that refer to what is not there, \
         1 by the number of a well-known root, 1 by issuer (CertIssuer), 1 by time of signing (SignTimeAfter), \
         1 of signing scenarios other than 131 and 12, 1 signing scenarios that inherit from others, 1 for test signing, \
         2 elements of unknown meaning"
    );
}

#[test]
fn a_general_rule_and_a_prefix_are_the_same_in_other_words() {
    let general = "<FileRule ID=\"G\" Type=\"Exclude\" FriendlyName=\"x\" FileName=\"tool.sys\"/>";
    let text = policy(general, "", "<FileRulesRef><FileRuleRef RuleID=\"G\"/></FileRulesRef>");
    assert_eq!(denied(&rules(&text), &driver()).unwrap().0, "G");
    let prefixed = text.replace("</", "<//").replace('<', "<p:").replace("<p://", "</p:").replace("<p:?", "<?");
    let prefixed = prefixed.replace("xmlns=", "xmlns:p=");
    assert_eq!(denied(&rules(&prefixed), &driver()).unwrap().0, "G");
    // Elements of another vocabulary are none of the policy's, whatever they are called.
    let foreign = text.replace("<FileRule ", "<x:FileRule xmlns:x=\"urn:x\" ");
    assert_eq!(denied(&rules(&foreign), &driver()), None);
}

#[test]
fn text_is_read_in_every_encoding_of_policies_and_in_no_other() {
    let text = denying("<Deny ID=\"A\" FriendlyName=\"&#x5b89;&amp;\" FileName=\"tool.sys\"/>", "");
    let units: Vec<u16> = text.replace("utf-8", "utf-16").encode_utf16().collect();
    let little: Vec<u8> = [0xfe_ffu16].iter().chain(&units).flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = [0xfe_ffu16].iter().chain(&units).flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [text.as_bytes().to_vec(), [b"\xef\xbb\xbf", text.as_bytes()].concat(), little.clone(), big.clone()] {
        let rules = DenyRules::read(&bytes).unwrap();
        assert_eq!(&*rules.find(&driver()).unwrap().rule.name, "\u{5b89}&");
    }
    let refused = |bytes: &[u8]| DenyRules::read(bytes).unwrap_err();
    assert_eq!(refused(&little[..little.len() - 1]), "it is UTF-16 with half a character at its end");
    let lone = [b"\xff\xfe<\0", &b"\x00\xd8a\0"[..]].concat();
    assert_eq!(refused(&lone), "it is UTF-16 with half a pair of surrogates");
    assert_eq!(refused(&little[2..]), "it is UTF-16 without a byte order mark; the policy's XML is read");
    assert_eq!(refused(&big[2..]), "it is UTF-16 without a byte order mark; the policy's XML is read");
    let invalid = text.replace("tool", "t\u{fffd}l").into_bytes();
    let at = invalid.windows(3).position(|three| three == [0xef, 0xbf, 0xbd]).unwrap();
    let mut invalid = invalid;
    invalid[at] = 0xff;
    assert_eq!(refused(&invalid), format!("it is no UTF-8 at byte {at}"));
    let other = refused(text.replace("utf-8", "windows-1252").as_bytes());
    assert_eq!(other, "before byte 45 of the text: an encoding other than UTF-8 and UTF-16");
}

#[test]
fn what_is_no_policy_in_xml_is_refused_with_its_reason() {
    let refused = |bytes: &[u8]| DenyRules::read(bytes).unwrap_err();
    let binary =
        [&[7, 0, 0, 0][..], b"\x0e\x37\x44\xa2\xc9\x44\x06\x4c\xb5\x51\xf6\x01\x6e\x56\x30\x76", &[0; 40]].concat();
    assert_eq!(refused(&binary), "it is a binary policy; the policy's XML is read");
    assert_eq!(refused(b"\x30\x82\x10\x00\x06"), "it is a signed binary policy (PKCS#7); the policy's XML is read");
    assert_eq!(refused(b"PK\x03\x04rest"), "it is a ZIP archive; the policy's XML is read");
    assert_eq!(refused(b""), "it is no XML; the policy's XML is read");
    assert_eq!(refused(b"{\"a\": 1}"), "it is no XML; the policy's XML is read");
    assert_eq!(refused(b"<!-- only this -->"), "there is no element in it");
    let other = "before byte 6 of the text: the first element is no SiPolicy, so this is no App Control policy";
    assert_eq!(refused(b"<html></html>"), other);
    assert!(refused(b"<SiPolicy xmlns=\"urn:other\"/>").ends_with("this is no App Control policy"));
    let whole = denying("", "");
    assert_eq!(
        refused(format!("{whole}<SiPolicy/>").as_bytes()).split(": ").nth(1),
        Some("a second element beside the first")
    );
    for cut in [whole.len() - 1, whole.len() - 12, 150] {
        assert!(DenyRules::read(&whole.as_bytes()[..cut]).is_err(), "{cut}");
    }
    // A parser's message may quote the file; it reaches a terminal without the file's control characters.
    let quoted = refused(b"<SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\"></\x1b[31mx>");
    assert!(quoted.contains("\\u{1b}") && !quoted.contains('\x1b'), "{quoted}");
}

#[test]
fn nothing_is_expanded_and_everything_has_a_bound() {
    let refused = |text: &str| {
        let why = DenyRules::read(text.as_bytes()).unwrap_err();
        why.split(": ").nth(1).unwrap().to_owned()
    };
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs =
        format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>{}", denying("<Deny ID=\"&l9;\" FileName=\"x\"/>", ""));
    let laughs = laughs.replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", "");
    assert_eq!(refused(&laughs), "a document type declaration, which no policy has");
    let own = denying("<Deny ID=\"A\" FileName=\"&own;\"/>", "");
    assert_eq!(refused(&own), "an attribute with an entity that is not XML's own");
    assert_eq!(refused(&denying("&own;", "")), "an entity that is not XML's own");
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\"/>";
    assert_eq!(refused(external), "a document type declaration, which no policy has");
    assert_eq!(refused(&denying(&"<a>".repeat(100_000), "")), "more than 16 levels of elements");
    let long = denying(&format!("<Deny ID=\"A\" FileName=\"{}\"/>", "x".repeat(4 << 20)), "");
    assert_eq!(refused(&long), "an attribute of more than 131068 bytes");
    let many: String = (0..50_000).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(refused(&policy(&format!("<Deny {many}/>"), "", "")), "an element with more than 32 attributes");
    // Many elements, rules and references: as long as the file allows, in linear time.
    let unknown = denying(&"<a/>".repeat(100_000), "");
    assert!(rules(&unknown).note().ends_with("not used: 100000 elements of unknown meaning"));
}
