//! What path validation demands where Windows and RFC 5280 differ, as one value that the judge takes.
//!
//! Every member is a demand or an exemption of its own, so that a named policy is a choice of members and nothing else.

use super::policies::InitialPolicies;

/// The demands of path validation.
#[allow(clippy::struct_excessive_bools)] // each is a demand of its own
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A key usage extension of the end entity must allow digital signatures, or, of a time authority, those that somebody
    /// answers for (nonRepudiation). Windows does not ask
    /// (`semantics.md` section 5.1); RFC 5280 section 4.2.1.12 wants both usages to be consistent.
    pub end_entity_key_usage: bool,
    /// anyExtendedKeyUsage on the end entity stands for code signing. RFC 5280 section 4.2.1.12 leaves it to the
    /// application; RFC 3161 section 2.3 does not let it stand for time stamping, whatever is said here.
    pub any_usage: bool,
    /// timeStamping must be the only extended usage and critical (RFC 3161 section 2.3). Windows does not mind.
    pub time_stamping_alone: bool,
    /// The revocation of a time authority decides. Windows ignores it by default
    /// (WTPF_IGNOREREVOCATIONONTS, `semantics.md` section 2.4).
    pub time_authority_revocation: bool,
    /// The signature algorithm inside a certificate is the one outside (RFC 5280 section 4.1.1.2).
    pub same_algorithm: bool,
    /// Extensions stand in version 3 certificates only (RFC 5280 section 4.1.2.9).
    pub extensions_need_v3: bool,
    /// No extension occurs twice in a certificate (RFC 5280 section 4.2).
    pub single_extensions: bool,
    /// The initial settings of policy processing. A chain that demands an explicit policy itself is held to that whatever
    /// they say, by Windows too.
    pub policies: InitialPolicies,
}

impl Rules {
    /// What Windows' chain engine and its Authenticode policy demand.
    #[must_use]
    pub fn windows() -> Rules {
        Rules {
            end_entity_key_usage: false,
            any_usage: true,
            time_stamping_alone: false,
            time_authority_revocation: false,
            same_algorithm: false,
            extensions_need_v3: false,
            single_extensions: false,
            policies: InitialPolicies::default(),
        }
    }

    /// What RFC 5280 demands, and RFC 3161 of time authorities.
    #[must_use]
    pub fn rfc5280() -> Rules {
        Rules {
            end_entity_key_usage: true,
            any_usage: false,
            time_stamping_alone: true,
            time_authority_revocation: true,
            same_algorithm: true,
            extensions_need_v3: true,
            single_extensions: true,
            policies: InitialPolicies::default(),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules::windows()
    }
}
