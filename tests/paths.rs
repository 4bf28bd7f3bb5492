//! Path validation where the standard suites do not look: hostile policies, the rules by name, crowds of certificates.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "lab/mod.rs"]
mod lab;

use lab::ca::*;
use lab::cast::authority;
use lab::der::Der;
use lab::keys::Key;
use sigscan::judge::{InitialPolicies, Profile, Purpose};
use sigscan::record::CertificateReport;
use sigscan::trust::{Provenance, RevocationLists, TrustStore, root_from_certificate};
use sigscan::verify::{Budget, CertificateSource, Lists, PathEnd, Paths, Pool, search_paths};
use sigscan::{Options, Scanner, Time};

fn root() -> Cert {
    authority(dn("Path Root"), Key::Root, 1)
}

/// A CA of this name under another CA; every CA below the root has the same key.
fn ca_under(issuer: &Cert, name: &str) -> Cert {
    let key = if issuer.issuer == issuer.subject { Key::Root } else { Key::Inter };
    authority(dn(name), Key::Inter, 2).by(&issuer.subject, key)
}

fn leaf_under(issuer: &Cert) -> Cert {
    let leaf = Cert::own(dn("Path Leaf"), Key::Leaf, &[3]).with(key_usage(&[0])).with(eku(&[CODE_SIGNING]));
    leaf.by(&issuer.subject, Key::Inter)
}

struct Judged {
    purpose: Purpose,
    profile: Profile,
    policies: InitialPolicies,
}

fn for_code() -> Judged {
    Judged { purpose: Purpose::CodeSigning, profile: Profile::Windows, policies: InitialPolicies::default() }
}

impl Judged {
    fn report(&self, leaf: &Cert, others: &[Der]) -> CertificateReport {
        let facts = root_from_certificate(&root().der()).unwrap();
        let store = TrustStore::from_roots(&Provenance::default(), &[facts]);
        let mut options = Options::at(Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap());
        options.profile = self.profile;
        options.certificate_policies = self.policies.clone();
        let scanner = Scanner::with_trust(options, store).with_intermediates(others.to_vec());
        scanner.judge_certificate("leaf", &leaf.der(), &[], self.purpose)
    }

    fn verdict(&self, leaf: &Cert, others: &[Der]) -> String {
        let report = self.report(leaf, others);
        format!("{}/{}", report.status.name(), report.reason.code())
    }
}

const P1: &str = "2.999.1.1";
const P2: &str = "2.999.1.2";

#[test]
fn a_chain_that_demands_a_policy_is_held_to_it_by_default() {
    let issuing = ca_under(&root(), "Policy CA").with(policies(&[P1])).with(policy_constraints(Some(0), None));
    let verdict = |leaf: Cert| for_code().verdict(&leaf, &[issuing.der()]);
    assert_eq!(verdict(leaf_under(&issuing).with(policies(&[P1]))), "Valid/ok");
    assert_eq!(verdict(leaf_under(&issuing).with(policies(&[P2]))), "Untrusted/policy");
    assert_eq!(verdict(leaf_under(&issuing)), "Untrusted/policy");
    // Nobody demands one here.
    let plain = ca_under(&root(), "Policy CA").with(policies(&[P1]));
    assert_eq!(for_code().verdict(&leaf_under(&plain).with(policies(&[P2])), &[plain.der()]), "Valid/ok");
    // A demand that cannot be read is not met.
    let mut odd = policy_constraints(Some(0), None);
    let last = odd.len() - 2;
    odd[last] = 5;
    let unreadable = ca_under(&root(), "Policy CA").with(policies(&[P1])).with(odd);
    let leaf = leaf_under(&unreadable).with(policies(&[P1]));
    assert_eq!(for_code().verdict(&leaf, &[unreadable.der()]), "Untrusted/policy");
}

/// CVE-2023-0464: as a tree these mappings have 20 to the tenth nodes.
#[test]
fn mappings_of_everything_to_everything_are_no_work() {
    let names: Vec<String> = (0..20).map(|number| format!("2.999.7.{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let pairs: Vec<(&str, &str)> = all.iter().flat_map(|from| all.iter().map(|to| (*from, *to))).collect();
    let mut chain = vec![root()];
    for depth in 0..10 {
        let issuer = chain.last().unwrap();
        let mapped =
            ca_under(issuer, &format!("Mapping CA {depth}")).with(policies(&all)).with(policy_mappings(&pairs));
        chain.push(mapped);
    }
    let others: Vec<Der> = chain.iter().skip(1).map(Cert::der).collect();
    let accepting = |text: &str| {
        let mut policies = InitialPolicies { explicit: true, ..InitialPolicies::default() };
        assert!(policies.accept(text));
        Judged { policies, ..for_code() }
    };
    let leaf = leaf_under(chain.last().unwrap()).with(policies(&["2.999.7.3"]));
    assert_eq!(accepting("2.999.7.19").verdict(&leaf, &others), "Valid/ok");
    assert_eq!(accepting("2.999.7.20").verdict(&leaf, &others), "Untrusted/policy");
    let stranger = leaf_under(chain.last().unwrap()).with(policies(&["2.999.8"]));
    assert_eq!(accepting("2.999.7.3").verdict(&stranger, &others), "Untrusted/policy");
}

#[test]
fn more_policies_than_anybody_reads_are_none() {
    let names: Vec<String> = (0..513).map(|number| format!("2.999.7.{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let issuing = ca_under(&root(), "Policy CA");
    let verdict =
        |count: usize| for_code().verdict(&leaf_under(&issuing).with(policies(&all[..count])), &[issuing.der()]);
    assert_eq!(verdict(512), "Valid/ok");
    assert_eq!(verdict(513), "Untrusted/policy");
}

/// Each demand that Windows does not make, with a certificate that meets all the others.
#[test]
fn the_rules_differ_in_what_they_say_and_in_nothing_else() {
    let issuing = ca_under(&root(), "Issuing CA");
    let stamping = |usage: Der| Cert::own(dn("Stamps"), Key::Leaf, &[3]).with(usage).by(&issuing.subject, Key::Inter);
    let code = || leaf_under(&issuing);
    let mut first_version = code();
    first_version.version = Some(0);
    let cases: Vec<(&str, Cert, Purpose, &str)> = vec![
        ("sound", code(), Purpose::CodeSigning, "Valid/ok"),
        ("sound", stamping(eku_critical(&[TIME_STAMPING])), Purpose::TimeStamping, "Valid/ok"),
        ("key usage", code().without("2.5.29.15").with(key_usage(&[2])), Purpose::CodeSigning, "Untrusted/wrong-usage"),
        ("any usage", code().without(EKU).with(eku(&[ANY_USAGE])), Purpose::CodeSigning, "Untrusted/wrong-usage"),
        ("not critical", stamping(eku(&[TIME_STAMPING])), Purpose::TimeStamping, "Untrusted/wrong-usage"),
        (
            "not alone",
            stamping(eku_critical(&[TIME_STAMPING, CODE_SIGNING])),
            Purpose::TimeStamping,
            "Untrusted/wrong-usage",
        ),
        ("twice", code().with(key_usage(&[0])), Purpose::CodeSigning, "Invalid/malformed"),
        ("version", first_version, Purpose::CodeSigning, "Invalid/malformed"),
    ];
    for (what, leaf, purpose, strict) in cases {
        let under = |profile: Profile| Judged { purpose, profile, ..for_code() }.verdict(&leaf, &[issuing.der()]);
        assert_eq!(under(Profile::Windows), "Valid/ok", "{what}");
        assert_eq!(under(Profile::Rfc5280), strict, "{what}");
    }
}

/// A search over these certificates, the first being the one in question: how it ended, and how many signatures it took.
fn searched(certificates: &[Der]) -> (Paths<'static>, usize) {
    // Tests may leak: a search borrows everything that it looks at.
    let facts = root_from_certificate(&root().der()).unwrap();
    let trust: &'static TrustStore = Box::leak(Box::new(TrustStore::from_roots(&Provenance::default(), &[facts])));
    let certificates: &'static [Der] = Box::leak(certificates.to_vec().into_boxed_slice());
    let pool: &'static mut Pool<'static> = Box::leak(Box::default());
    for der in certificates {
        pool.add(der, 0, CertificateSource::Intermediates);
    }
    let lists = Lists {
        trust,
        intermediates: &[],
        downloaded: &[],
        revocation: Box::leak(Box::new(RevocationLists::new())),
        memo: Box::leak(Box::default()),
        work: Box::leak(Box::default()),
    };
    let paths = search_paths(pool, 0, lists, Budget::default());
    let signatures = paths.signatures;
    (paths, signatures)
}

fn anchored(paths: &Paths<'_>) -> Vec<usize> {
    let ends = paths.list.iter().filter(|path| matches!(path.end, PathEnd::Anchor { .. }));
    ends.map(|path| path.certificates.len()).collect()
}

fn crowd_name(number: usize) -> Der {
    dn(&format!("Crowd CA {number}"))
}

/// A hundred CAs that certify each other, all 9,900 ways round. The first has a key of its own, the others share one.
fn crowd() -> Vec<Der> {
    let key = |number: usize| if number == 0 { Key::Rsa1024 } else { Key::Rsa512 };
    let certify = |subject: usize, issuer: usize| {
        let cross = authority(crowd_name(subject), key(subject), 9).with(aki(&key(issuer).id()));
        cross.by(&crowd_name(issuer), key(issuer)).der()
    };
    let half = |range: std::ops::Range<usize>| {
        let pairs = range.flat_map(|subject| (0..100).map(move |issuer| (subject, issuer)));
        pairs.filter(|(subject, issuer)| subject != issuer).map(|(subject, issuer)| certify(subject, issuer)).collect()
    };
    let (low, high): (Vec<Der>, Vec<Der>) = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(50..100));
        (half(0..50), other.join().unwrap())
    });
    [low, high].concat()
}

fn crowd_leaf() -> Cert {
    let leaf = Cert::own(dn("Path Leaf"), Key::Leaf, &[3]).with(key_usage(&[0])).with(eku(&[CODE_SIGNING]));
    leaf.by(&crowd_name(0), Key::Rsa1024).with(aki(&Key::Rsa1024.id()))
}

#[test]
fn ten_thousand_cross_certificates_stay_within_the_budget() {
    let crowd = crowd();
    assert_eq!(crowd.len(), 9_900);
    let leaf = crowd_leaf();

    // Nobody of the crowd is certified by the root: the search gives up, and says so.
    let lost = for_code().report(&leaf, &crowd);
    assert_eq!((lost.status.name(), lost.reason.code()), ("Error", "limit"));
    assert!(lost.anomalies.iter().any(|anomaly| anomaly.code == "path-limit"));
    let (paths, signatures) = searched(&[&[leaf.der()][..], &crowd].concat());
    assert!(paths.exhausted);
    assert_eq!((paths.list.len(), anchored(&paths), signatures), (64, vec![], 20));

    // The last of 9,901 leads to the root, and is tried first.
    let way_out = authority(crowd_name(0), Key::Rsa1024, 9).by(&dn("Path Root"), Key::Root).with(aki(&Key::Root.id()));
    let with_way_out = [&crowd[..], &[way_out.der()]].concat();
    let found = for_code().report(&leaf, &with_way_out);
    assert_eq!((found.status.name(), found.reason.code(), found.chain.len()), ("Valid", "ok", 3));
    let (paths, signatures) = searched(&[&[leaf.der()][..], &with_way_out].concat());
    assert!(paths.exhausted && anchored(&paths).contains(&2));
    assert_eq!(signatures, 20);
}

#[test]
fn ten_thousand_namesakes_do_not_hide_the_issuer() {
    let issuing = ca_under(&root(), "Issuing CA");
    let leaf = leaf_under(&issuing).with(aki(&Key::Inter.id()));
    let marker = [0x5a_u8; 8];
    let mut template = authority(dn("Issuing CA"), Key::Rsa1024, 9).by(&dn("Nobody"), Key::Rsa512);
    template.serial = marker.to_vec();
    let flood = |template: &Cert| -> Vec<Der> {
        let der = template.der();
        let at = der.windows(8).position(|window| window == marker).unwrap();
        let key = der.windows(8).position(|window| window == &template.spki[40..48]).unwrap();
        let other = |number: u32| {
            let mut copy = der.clone();
            copy[at + 4..at + 8].copy_from_slice(&number.to_be_bytes());
            copy[key + 4..key + 8].copy_from_slice(&number.to_be_bytes());
            copy
        };
        (0..10_000).map(other).collect()
    };
    let case = |namesakes: Vec<Der>| {
        let all = [&[leaf.der()][..], &namesakes, &[issuing.der()]].concat();
        let (paths, signatures) = searched(&all);
        (anchored(&paths), paths.exhausted, signatures)
    };
    // Other key identifiers: they are no candidates. None: they come after the issuer, who is no news after that. The
    // issuer's own, forged: the issuer is the one that a root certified.
    assert_eq!(case(flood(&template)), (vec![2], false, 2));
    assert_eq!(case(flood(&template.clone().without(SUBJECT_KEY_ID))), (vec![2], true, 33));
    let forged = template.without(SUBJECT_KEY_ID).with(ski(&Key::Inter.id()));
    assert_eq!(case(flood(&forged)), (vec![2], true, 33));
}

#[test]
fn cas_that_certify_each_other_are_no_way_to_a_root() {
    let one = authority(dn("A"), Key::Inter, 2).by(&dn("B"), Key::Other);
    let other = authority(dn("B"), Key::Other, 2).by(&dn("A"), Key::Inter);
    let leaf = Cert::own(dn("Path Leaf"), Key::Leaf, &[3]).by(&dn("A"), Key::Inter);
    let (paths, signatures) = searched(&[leaf.der(), one.der(), other.der()]);
    assert_eq!((paths.list.len(), paths.exhausted, signatures), (1, false, 2));
    assert_eq!((&paths.list[0].end, paths.list[0].certificates.as_slice()), (&PathEnd::Incomplete, &[0, 1, 2][..]));
    assert_eq!(for_code().verdict(&leaf, &[one.der(), other.der()]), "Untrusted/chain-incomplete");
}
