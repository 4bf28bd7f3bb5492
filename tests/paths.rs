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
use sigscan::trust::{Provenance, TrustStore, root_from_certificate};
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
