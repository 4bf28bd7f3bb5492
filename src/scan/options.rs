//! What a scan depends on besides bytes and lists.

use crate::asn1::Time;
use crate::container::ContainerLimits;
use crate::crypto::DigestAlgorithm;
use crate::judge::{InitialPolicies, Policy, Profile, Rules, Setting, SignaturePolicy};
use crate::record::AppliedPolicy;

/// Which digests a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashMode {
    /// Only those that the verdict needs.
    None,
    /// The file's SHA-256 too, and the Authenticode SHA-256 of unsigned files.
    #[default]
    Sha256,
    /// MD5, SHA-1, SHA-256, SHA-384 and SHA-512 of both.
    All,
}

impl HashMode {
    /// The algorithms of [`HashMode::All`].
    pub(super) const ALL: [DigestAlgorithm; 5] = [
        DigestAlgorithm::Md5,
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ];
}

/// What a scan depends on besides bytes and lists.
#[derive(Debug, Clone)]
pub struct Options {
    /// The moment that counts as now.
    pub now: Time,
    /// Which signature gives a file its status. Under the kernel's policy a driver's is the one that pleases the kernel
    /// most.
    pub signature: SignaturePolicy,
    /// Treat bytes behind the PKCS#7 as EnableCertPaddingCheck does.
    pub strict_padding: bool,
    /// Trust a signature only if no certificate of its chain is revoked by what current lists say.
    pub require_revocation: bool,
    /// The named policy.
    pub profile: Profile,
    /// The initial settings of certificate policy processing (RFC 5280 section 6.1.1).
    pub certificate_policies: InitialPolicies,
    /// Which digests to report.
    pub hashes: HashMode,
    /// Look for findings about each file.
    pub findings: bool,
    /// Read the version resource of files whose signature is examined.
    pub version_info: bool,
    /// Files larger than this many bytes are not judged.
    pub max_size: Option<u64>,
    /// Caps on what is read from one file.
    pub limits: ContainerLimits,
    /// The name of the machine that the files are from, for the record.
    pub host: Option<String>,
}

impl Options {
    /// The defaults, judging as of `now`.
    #[must_use]
    pub fn at(now: Time) -> Options {
        Options {
            now,
            signature: SignaturePolicy::default(),
            strict_padding: false,
            require_revocation: false,
            profile: Profile::default(),
            certificate_policies: InitialPolicies::default(),
            hashes: HashMode::default(),
            findings: true,
            version_info: true,
            max_size: None,
            limits: ContainerLimits::default(),
            host: None,
        }
    }

    /// Digests of the whole file to report.
    pub(super) fn file_hashes(&self) -> Vec<DigestAlgorithm> {
        match self.hashes {
            HashMode::None => Vec::new(),
            HashMode::Sha256 => vec![DigestAlgorithm::Sha256],
            HashMode::All => HashMode::ALL.to_vec(),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        Policy {
            now: self.now,
            signature: self.signature,
            strict_padding: self.strict_padding || self.profile.has(Setting::StrictPadding),
            require_revocation: self.require_revocation || self.profile.has(Setting::RequireRevocation),
            rules: Rules { policies: self.certificate_policies.clone(), ..self.profile.rules() },
        }
    }
}

impl From<&Options> for AppliedPolicy {
    fn from(options: &Options) -> AppliedPolicy {
        let Policy { signature, strict_padding, require_revocation, .. } = options.policy();
        AppliedPolicy { name: options.profile, signature, strict_padding, require_revocation }
    }
}
