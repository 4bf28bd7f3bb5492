//! The object identifiers that signatures use, each once, with its name.
//!
//! Sources: RFC 5280, RFC 5652, RFC 2985, RFC 3161, RFC 8017; Microsoft `wincrypt.h` and `wintrust.h`; CA/Browser Forum
//! "Baseline Requirements for Code-Signing Certificates", section 1.2; Microsoft "Artifact Signing certificate management".

use x509_cert::der::asn1::ObjectIdentifier;

macro_rules! oids {
    ($($name:ident = $dotted:literal, $title:literal;)*) => {
        $(
            #[doc = concat!("`", $dotted, "`: ", $title, ". Content octets.")]
            pub const $name: &[u8] = {
                static OID: ObjectIdentifier = ObjectIdentifier::new_unwrap($dotted);
                OID.as_bytes()
            };
        )*

        /// The name of a known identifier, given its content octets.
        #[must_use]
        pub fn title(oid: &[u8]) -> Option<&'static str> {
            const TABLE: &[(&[u8], &str)] = &[$(($name, $title)),*];
            TABLE.iter().find(|(known, _)| *known == oid).map(|(_, title)| *title)
        }
    };
}

/// Content octets of 1.3.6.1.4.1.311.97, below which Microsoft's Artifact Signing (once Trusted Signing) numbers its
/// usages: what follows tells the subscriber, and stays the same in all of its short-lived certificates.
pub const ARTIFACT_SIGNING: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 97];

oids! {
    DATA = "1.2.840.113549.1.7.1", "PKCS#7 data";
    SIGNED_DATA = "1.2.840.113549.1.7.2", "PKCS#7 SignedData";
    CONTENT_TYPE = "1.2.840.113549.1.9.3", "contentType";
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4", "messageDigest";
    SIGNING_TIME = "1.2.840.113549.1.9.5", "signingTime";
    COUNTER_SIGNATURE = "1.2.840.113549.1.9.6", "PKCS#9 counterSignature";
    TST_INFO = "1.2.840.113549.1.9.16.1.4", "RFC 3161 TSTInfo";
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12", "ESS signingCertificate";
    SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14", "RFC 3161 signature time-stamp";
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47", "ESS signingCertificateV2";

    SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4", "SpcIndirectDataContent";
    SPC_AGENCY_INFO = "1.3.6.1.4.1.311.2.1.10", "SpcSpAgencyInfo";
    SPC_STATEMENT_TYPE = "1.3.6.1.4.1.311.2.1.11", "SpcStatementType";
    SPC_OPUS_INFO = "1.3.6.1.4.1.311.2.1.12", "SpcSpOpusInfo";
    SPC_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15", "SpcPeImageData";
    SPC_INDIVIDUAL_CODE_SIGNING = "1.3.6.1.4.1.311.2.1.21", "individual code signing";
    SPC_COMMERCIAL_CODE_SIGNING = "1.3.6.1.4.1.311.2.1.22", "commercial code signing";
    SPC_CAB_DATA = "1.3.6.1.4.1.311.2.1.25", "SpcCabData";
    SPC_SIGINFO = "1.3.6.1.4.1.311.2.1.30", "SpcSigInfo";
    SPC_PAGE_HASHES_V1 = "1.3.6.1.4.1.311.2.3.1", "page hashes, SHA-1";
    SPC_PAGE_HASHES_V2 = "1.3.6.1.4.1.311.2.3.2", "page hashes, SHA-256";
    NESTED_SIGNATURE = "1.3.6.1.4.1.311.2.4.1", "nested signature";
    INTENT_TO_SEAL = "1.3.6.1.4.1.311.2.4.2", "intent to seal";
    SEALING_SIGNATURE = "1.3.6.1.4.1.311.2.4.3", "sealing signature";
    SEALING_TIMESTAMP = "1.3.6.1.4.1.311.2.4.4", "sealing timestamp";
    ENHANCED_HASH = "1.3.6.1.4.1.311.2.5.1", "enhanced hash";
    RELAXED_PE_MARKER_CHECK = "1.3.6.1.4.1.311.2.6.1", "relaxed PE marker check";
    ENCRYPTED_DIGEST_RETRY_COUNT = "1.3.6.1.4.1.311.2.6.2", "encrypted digest retry count";
    MS_COUNTER_SIGNATURE = "1.3.6.1.4.1.311.3.3.1", "RFC 3161 timestamp (Microsoft)";
    MS_CTL = "1.3.6.1.4.1.311.10.1", "certificate trust list";
    CERT_SIGNATURE_HASH = "1.3.6.1.4.1.311.10.11.15", "signature hash";
    CERT_SUBJECT_PUBLIC_KEY_MD5_HASH = "1.3.6.1.4.1.311.10.11.25", "MD5 of the public key";
    CATALOG_LIST = "1.3.6.1.4.1.311.12.1.1", "catalog list";
    CATALOG_MEMBER_V1 = "1.3.6.1.4.1.311.12.1.2", "catalog member, version 1";
    CATALOG_MEMBER_V2 = "1.3.6.1.4.1.311.12.1.3", "catalog member, version 2";

    EKU_ANY = "2.5.29.37.0", "any extended key usage";
    EKU_SERVER_AUTH = "1.3.6.1.5.5.7.3.1", "TLS server authentication";
    EKU_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2", "TLS client authentication";
    EKU_CODE_SIGNING = "1.3.6.1.5.5.7.3.3", "code signing";
    EKU_EMAIL = "1.3.6.1.5.5.7.3.4", "e-mail protection";
    EKU_TIME_STAMPING = "1.3.6.1.5.5.7.3.8", "time stamping";
    EKU_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9", "OCSP signing";
    EKU_MS_TIME_STAMP_SIGNING = "1.3.6.1.4.1.311.10.3.2", "Microsoft time-stamp signing";
    EKU_WHQL = "1.3.6.1.4.1.311.10.3.5", "Windows Hardware Driver Verification";
    EKU_WHQL_ATTESTED = "1.3.6.1.4.1.311.10.3.5.1", "Windows Hardware Driver Attested Verification";
    EKU_SYSTEM_COMPONENT = "1.3.6.1.4.1.311.10.3.6", "Windows System Component Verification";
    EKU_OEM_WHQL = "1.3.6.1.4.1.311.10.3.7", "OEM Windows System Component Verification";
    EKU_EMBEDDED_WINDOWS = "1.3.6.1.4.1.311.10.3.8", "Embedded Windows System Component Verification";
    EKU_ROOT_LIST_SIGNER = "1.3.6.1.4.1.311.10.3.9", "root list signer";
    EKU_LIFETIME_SIGNING = "1.3.6.1.4.1.311.10.3.13", "lifetime signing";
    EKU_REVOKED_LIST_SIGNER = "1.3.6.1.4.1.311.10.3.19", "revoked list signer";
    EKU_WINDOWS_KITS = "1.3.6.1.4.1.311.10.3.20", "Windows Kits component";
    EKU_WINDOWS_RT = "1.3.6.1.4.1.311.10.3.21", "Windows RT verification";
    EKU_PROTECTED_PROCESS_LIGHT = "1.3.6.1.4.1.311.10.3.22", "Protected Process Light verification";
    EKU_WINDOWS_TCB = "1.3.6.1.4.1.311.10.3.23", "Windows TCB component";
    EKU_PROTECTED_PROCESS = "1.3.6.1.4.1.311.10.3.24", "Protected Process verification";
    EKU_THIRD_PARTY_COMPONENT = "1.3.6.1.4.1.311.10.3.25", "Windows third-party application component";
    EKU_SOFTWARE_EXTENSION = "1.3.6.1.4.1.311.10.3.26", "Windows software extension verification";
    EKU_PREVIEW_BUILD = "1.3.6.1.4.1.311.10.3.27", "preview build signing";
    EKU_DISALLOWED_LIST = "1.3.6.1.4.1.311.10.3.30", "disallowed list";
    EKU_IUM = "1.3.6.1.4.1.311.10.3.37", "Isolated User Mode";
    EKU_EV_WHQL = "1.3.6.1.4.1.311.10.3.39", "Windows Hardware Driver Extended Verification";
    EKU_BIOMETRIC = "1.3.6.1.4.1.311.10.3.41", "biometric signing";
    EKU_ENCLAVE = "1.3.6.1.4.1.311.10.3.42", "enclave signing";
    EKU_KERNEL_MODE = "1.3.6.1.4.1.311.61.1.1", "kernel mode code signing";
    EKU_ELAM = "1.3.6.1.4.1.311.61.4.1", "Early Launch Antimalware";
    EKU_HAL_EXTENSION = "1.3.6.1.4.1.311.61.5.1", "HAL extension";
    EKU_WINDOWS_STORE = "1.3.6.1.4.1.311.76.3.1", "Windows Store";
    EKU_DYNAMIC_CODE = "1.3.6.1.4.1.311.76.5.1", "dynamic code generator";
    EKU_MICROSOFT_PUBLISHER = "1.3.6.1.4.1.311.76.8.1", "Microsoft Publisher";
    EKU_PLATFORM_MANIFEST = "1.3.6.1.4.1.311.10.3.28", "platform manifest binary";
    EKU_ARTIFACT_SIGNING_PUBLIC = "1.3.6.1.4.1.311.97.1.0", "Artifact Signing, public trust";

    OMAHA_TAG = "1.3.6.1.4.1.11129.2.1.9999", "Omaha tag";

    ANY_POLICY = "2.5.29.32.0", "any policy";
    POLICY_EV_CODE_SIGNING = "2.23.140.1.3", "EV code signing";
    POLICY_OV_CODE_SIGNING = "2.23.140.1.4.1", "OV code signing";
    POLICY_TIME_STAMPING = "2.23.140.1.4.2", "time stamping (CA/Browser Forum)";

    SUBJECT_KEY_IDENTIFIER = "2.5.29.14", "subject key identifier";
    KEY_USAGE = "2.5.29.15", "key usage";
    SUBJECT_ALT_NAME = "2.5.29.17", "subject alternative name";
    ISSUER_ALT_NAME = "2.5.29.18", "issuer alternative name";
    BASIC_CONSTRAINTS = "2.5.29.19", "basic constraints";
    CRL_NUMBER = "2.5.29.20", "CRL number";
    CRL_REASON = "2.5.29.21", "CRL reason code";
    INVALIDITY_DATE = "2.5.29.24", "invalidity date";
    DELTA_CRL_INDICATOR = "2.5.29.27", "delta CRL indicator";
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28", "issuing distribution point";
    CERTIFICATE_ISSUER = "2.5.29.29", "certificate issuer";
    NAME_CONSTRAINTS = "2.5.29.30", "name constraints";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31", "CRL distribution points";
    CERTIFICATE_POLICIES = "2.5.29.32", "certificate policies";
    POLICY_MAPPINGS = "2.5.29.33", "policy mappings";
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35", "authority key identifier";
    POLICY_CONSTRAINTS = "2.5.29.36", "policy constraints";
    EXTENDED_KEY_USAGE = "2.5.29.37", "extended key usage";
    FRESHEST_CRL = "2.5.29.46", "freshest CRL";
    INHIBIT_ANY_POLICY = "2.5.29.54", "inhibit any policy";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1", "authority information access";
    SUBJECT_INFO_ACCESS = "1.3.6.1.5.5.7.1.11", "subject information access";
    ACCESS_OCSP = "1.3.6.1.5.5.7.48.1", "OCSP responder";
    ACCESS_CA_ISSUERS = "1.3.6.1.5.5.7.48.2", "certificates of the issuer";
    OCSP_BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1", "basic OCSP response";
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2", "OCSP nonce";
    OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5", "OCSP no check";
    OCSP_REVOCATION_INFO = "1.3.6.1.5.5.7.16.2", "OCSP response as revocation information";
    NETSCAPE_CERT_TYPE = "2.16.840.1.113730.1.1", "Netscape certificate type";
    MS_CERT_TEMPLATE_NAME = "1.3.6.1.4.1.311.20.2", "certificate template name";
    MS_CA_VERSION = "1.3.6.1.4.1.311.21.1", "CA version";
    MS_CERT_TEMPLATE = "1.3.6.1.4.1.311.21.7", "certificate template";
    MS_APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.10", "application policies";

    AT_COMMON_NAME = "2.5.4.3", "CN";
    AT_SURNAME = "2.5.4.4", "SN";
    AT_SERIAL_NUMBER = "2.5.4.5", "SERIALNUMBER";
    AT_COUNTRY = "2.5.4.6", "C";
    AT_LOCALITY = "2.5.4.7", "L";
    AT_STATE = "2.5.4.8", "ST";
    AT_STREET = "2.5.4.9", "STREET";
    AT_ORGANIZATION = "2.5.4.10", "O";
    AT_ORGANIZATIONAL_UNIT = "2.5.4.11", "OU";
    AT_TITLE = "2.5.4.12", "T";
    AT_DESCRIPTION = "2.5.4.13", "Description";
    AT_BUSINESS_CATEGORY = "2.5.4.15", "businessCategory";
    AT_POSTAL_CODE = "2.5.4.17", "PostalCode";
    AT_GIVEN_NAME = "2.5.4.42", "G";
    AT_ORGANIZATION_IDENTIFIER = "2.5.4.97", "organizationIdentifier";
    AT_DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25", "DC";
    AT_USER_ID = "0.9.2342.19200300.100.1.1", "UID";
    AT_EMAIL = "1.2.840.113549.1.9.1", "E";
    AT_JURISDICTION_LOCALITY = "1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL";
    AT_JURISDICTION_STATE = "1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST";
    AT_JURISDICTION_COUNTRY = "1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid_to_string;

    #[test]
    fn octets_and_titles_belong_together() {
        assert_eq!(oid_to_string(SPC_INDIRECT_DATA), "1.3.6.1.4.1.311.2.1.4");
        assert_eq!(title(EKU_CODE_SIGNING), Some("code signing"));
        assert_eq!(title(&[0x2a]), None);
        assert_eq!(oid_to_string(ARTIFACT_SIGNING), "1.3.6.1.4.1.311.97");
    }
}
