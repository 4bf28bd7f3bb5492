//! Policies by name: one table says what each changes, and everything that judges asks the table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policies::InitialPolicies;
use super::rules::Rules;

/// A named policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What WinVerifyTrust says by default.
    #[default]
    Windows,
    /// The same with the checks that Windows offers and leaves off.
    WindowsStrict,
    /// Drivers as the kernel of Windows 10 sees them; other files as under `windows`.
    Kernel,
    /// What RFC 5280 demands of chains, and RFC 3161 of time authorities, beside what Windows does.
    Rfc5280,
}

impl Profile {
    /// Every policy, in the order of the table's columns.
    pub const ALL: [Profile; 4] = [Profile::Windows, Profile::WindowsStrict, Profile::Kernel, Profile::Rfc5280];

    /// The name, as on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Windows => "windows",
            Profile::WindowsStrict => "windows-strict",
            Profile::Kernel => "kernel",
            Profile::Rfc5280 => "rfc5280",
        }
    }

    /// What it is for.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Profile::Windows => "what WinVerifyTrust says by default",
            Profile::WindowsStrict => "the same with the checks that Windows offers and leaves off",
            Profile::Kernel => "drivers as the kernel of Windows 10 sees them, other files as under windows",
            Profile::Rfc5280 => "chains as RFC 5280 and time authorities as RFC 3161 demand, on top of windows",
        }
    }

    /// Whether a setting is on.
    #[must_use]
    pub fn has(self, setting: Setting) -> bool {
        SETTINGS.iter().find(|row| row.setting == setting).is_some_and(|row| row.is_on(self))
    }

    /// What path validation demands.
    #[must_use]
    pub fn rules(self) -> Rules {
        Rules {
            end_entity_key_usage: self.has(Setting::EndEntityKeyUsage),
            any_usage: self.has(Setting::AnyUsage),
            time_stamping_alone: self.has(Setting::TimeStampingAlone),
            time_authority_revocation: self.has(Setting::TimeAuthorityRevocation),
            same_algorithm: self.has(Setting::SameAlgorithm),
            extensions_need_v3: self.has(Setting::ExtensionsNeedV3),
            single_extensions: self.has(Setting::SingleExtensions),
            policies: InitialPolicies::default(),
        }
    }
}

/// Something that a policy switches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is explained by its row in SETTINGS
pub enum Setting {
    RootProgramme,
    WeakCryptography,
    TimestampExtends,
    StrictPadding,
    RequireRevocation,
    KernelDecides,
    TimeAuthorityRevocation,
    EndEntityKeyUsage,
    AnyUsage,
    TimeStampingAlone,
    SameAlgorithm,
    ExtensionsNeedV3,
    SingleExtensions,
    MarkOfTheWeb,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct SettingRow {
    /// Which setting.
    pub setting: Setting,
    /// Its name, in few words.
    pub name: &'static str,
    /// What it does when it is on, and its source.
    pub meaning: &'static str,
    /// Whether it is on, in the order of [`Profile::ALL`].
    pub on: [bool; 4],
}

impl SettingRow {
    /// Whether a policy switches it on.
    #[must_use]
    pub fn is_on(&self, profile: Profile) -> bool {
        let column = Profile::ALL.iter().position(|known| *known == profile);
        column.and_then(|column| self.on.get(column)).is_some_and(|on| *on)
    }
}

const ALWAYS: [bool; 4] = [true; 4];
const NEVER: [bool; 4] = [false; 4];
const STRICT: [bool; 4] = [false, true, false, false];
const RFC: [bool; 4] = [false, false, false, true];

const fn row(setting: Setting, name: &'static str, on: [bool; 4], meaning: &'static str) -> SettingRow {
    SettingRow { setting, name, meaning, on }
}

/// What each policy switches on.
pub const SETTINGS: &[SettingRow] = &[
    row(
        Setting::RootProgramme,
        "root programme",
        ALWAYS,
        "usages and dates of Microsoft's root programme limit its roots; for a driver under the kernel policy a \
         cross-certificate overrides them",
    ),
    row(
        Setting::WeakCryptography,
        "weak cryptography",
        ALWAYS,
        "RSA keys below 1023 bits, certificates signed with MD2 or MD4, and MD5 below roots of the root programme are \
         refused, unless timestamped before 2010-01-01 (short keys) or 2009-03-01 (MD5)",
    ),
    row(
        Setting::TimestampExtends,
        "timestamps extend",
        ALWAYS,
        "a verified timestamp keeps a signature valid after its certificate's end, except under the lifetime-signing usage",
    ),
    row(
        Setting::StrictPadding,
        "padding check",
        STRICT,
        "bytes that are not zero behind a signature make it Invalid (EnableCertPaddingCheck); also --strict-padding",
    ),
    row(
        Setting::RequireRevocation,
        "revocation required",
        STRICT,
        "a signature is trusted only if current lists know that no certificate of its chain is revoked; also \
         --require-revocation",
    ),
    row(
        Setting::KernelDecides,
        "kernel decides",
        [false, false, true, false],
        "a driver is Valid only if Windows 10 version 1607 and later, and Windows 11 with the updates of April 2026, would \
         load it with Secure Boot on (`sigscan explain kernel`)",
    ),
    row(
        Setting::TimeAuthorityRevocation,
        "revoked time authority",
        RFC,
        "the revocation of a time authority makes its timestamps unusable, those of before it, too, unless its reason is \
         unspecified, affiliationChanged, superseded or cessationOfOperation (RFC 3161 section 4); Windows ignores it \
         (WTPF_IGNOREREVOCATIONONTS)",
    ),
    row(
        Setting::EndEntityKeyUsage,
        "signer's key usage",
        RFC,
        "a key usage extension of the signer must allow digital signatures (RFC 5280 section 4.2.1.12)",
    ),
    row(
        Setting::AnyUsage,
        "any usage signs code",
        [true, true, true, false],
        "the usage anyExtendedKeyUsage on the signer's certificate stands for code signing",
    ),
    row(
        Setting::TimeStampingAlone,
        "time stamping alone",
        RFC,
        "a time authority's certificate has the usage timeStamping alone, and critical (RFC 3161 section 2.3)",
    ),
    row(
        Setting::SameAlgorithm,
        "one algorithm",
        RFC,
        "both places of a certificate name the same signature algorithm (RFC 5280 section 4.1.1.2)",
    ),
    row(
        Setting::ExtensionsNeedV3,
        "extensions need v3",
        RFC,
        "extensions stand in certificates of version 3 only (RFC 5280 section 4.1.2.9)",
    ),
    row(
        Setting::SingleExtensions,
        "no extension twice",
        RFC,
        "no extension occurs twice in a certificate (RFC 5280 section 4.2)",
    ),
    row(
        Setting::MarkOfTheWeb,
        "SHA-1 of the web",
        NEVER,
        "not applied: Windows refuses SHA-1 signatures timestamped since 2016-01-01 on files that carry the mark of the \
         web, which is no property of their bytes",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_gives_the_rules_that_the_judge_knows() {
        assert_eq!(Profile::Windows.rules(), Rules::windows());
        assert_eq!(Profile::WindowsStrict.rules(), Rules::windows());
        assert_eq!(Profile::Kernel.rules(), Rules::windows());
        assert_eq!(Profile::Rfc5280.rules(), Rules::rfc5280());
    }

    #[test]
    fn names_are_spelled_as_records_spell_them_and_rows_stand_once() {
        for profile in Profile::ALL {
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.name());
        }
        for row in SETTINGS {
            assert_eq!(SETTINGS.iter().filter(|other| other.setting == row.setting).count(), 1, "{}", row.name);
        }
    }
}
