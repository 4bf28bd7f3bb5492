//! Targets that take octets as one structure. Where a strict decoder takes them too, both say the same.

use sigscan::asn1::{Error, ErrorKind, Reader, is_well_formed_oid, tag};
use sigscan::cms::SignedData;
use sigscan::x509::Certificate;
use x509_cert::der::Decode;

/// Every element, to any depth that the reader gives, without recursion.
pub fn asn1(octets: &[u8]) {
    let mut work = vec![Reader::new(octets)];
    let mut left = 100_000;
    while let Some(mut reader) = work.pop() {
        while let Ok(Some(element)) = reader.next() {
            left -= 1;
            if left == 0 {
                return;
            }
            let _ = (element.octets(), element.small_unsigned(), element.bit_string());
            let _ = (sigscan::asn1::decode_string(&element), sigscan::asn1::decode_time(&element));
            if element.is_constructed() {
                work.push(element.children());
            }
        }
    }
}

/// A SignedData, against `cms`.
pub fn signed_data(octets: &[u8]) {
    let ours = SignedData::parse(octets, 0);
    if let Ok(ours) = &ours {
        for element in &ours.certificates {
            certificate(element.raw);
        }
    }
    let Ok(info) = cms::content_info::ContentInfo::from_der(octets) else { return };
    if info.content_type.as_bytes() != [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2] {
        return;
    }
    let Ok(theirs) = info.content.decode_as::<cms::signed_data::SignedData>() else { return };
    if ours.as_ref().is_err_and(|error| is_padded(octets, error)) {
        return;
    }
    let ours = ours.unwrap_or_else(|error| panic!("cms reads it, sigscan says {error:?}"));
    assert_eq!(ours.content_type, theirs.encap_content_info.econtent_type.as_bytes());
    assert_eq!(ours.signer_count, theirs.signer_infos.0.len());
    let kinds = theirs.certificates.as_ref().map_or(0, |set| set.0.len());
    assert_eq!(ours.certificates.len() + ours.other_certificates, kinds);
}

/// Whether it is an OBJECT IDENTIFIER with needless octets in front of an arc: DER forbids that (X.690 section 8.19.2), and
/// `const-oid` does not mind.
fn is_padded(octets: &[u8], error: &Error) -> bool {
    let element = octets.get(error.offset..).and_then(|rest| Reader::new(rest).next().ok().flatten());
    error.kind == ErrorKind::BadValue
        && element.is_some_and(|element| element.tag == tag::OID && !is_well_formed_oid(element.content))
}

/// A certificate, against `x509-cert` and, with that feature, OpenSSL.
pub fn certificate(octets: &[u8]) {
    let ours = Certificate::parse(octets);
    if let Ok(ours) = &ours {
        let _ = (ours.basic_constraints(), ours.key_usage(), ours.extended_key_usage(), ours.certificate_policies());
        let _ = (ours.subject_key_identifier(), ours.authority_key_identifier(), ours.unknown_critical_extensions());
        let _ = sigscan::x509::crl::distribution_points(ours);
        let _ = sigscan::x509::check_name_constraints(octets, ours);
        let _ = (sigscan::x509::display_name(ours.subject), sigscan::x509::normalised_name(ours.issuer));
    }
    if let Ok(theirs) = x509_cert::Certificate::from_der(octets) {
        if ours.as_ref().is_err_and(|error| is_padded(octets, error)) {
            return;
        }
        let ours = ours.as_ref().unwrap_or_else(|error| panic!("x509-cert reads it, sigscan says {error:?}"));
        let tbs = theirs.tbs_certificate();
        // Their decoder writes some of what it reads in another way, so what sigscan cut out is read by it, not compared.
        assert_eq!(&x509_cert::TbsCertificate::from_der(ours.tbs).unwrap(), tbs);
        assert_eq!(&x509_cert::name::Name::from_der(ours.subject).unwrap(), tbs.subject());
        assert_eq!(&x509_cert::name::Name::from_der(ours.issuer).unwrap(), tbs.issuer());
        let key = x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(ours.spki).unwrap();
        assert_eq!(&key, tbs.subject_public_key_info());
        let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
        assert_eq!(ours.not_before.map(|time| time.0), seconds(tbs.validity().not_before));
        assert_eq!(ours.not_after.map(|time| time.0), seconds(tbs.validity().not_after));
        assert_eq!(ours.extensions.len(), tbs.extensions().map_or(0, Vec::len));
    }
    #[cfg(feature = "openssl")]
    if let Ok(ours) = &ours {
        serial_against_openssl(octets, ours);
    }
}

#[cfg(feature = "openssl")]
fn serial_against_openssl(octets: &[u8], ours: &Certificate<'_>) {
    let Ok(theirs) = openssl::x509::X509::from_der(octets) else { return };
    let Ok(number) = theirs.serial_number().to_bn() else { return };
    let Ok(serial) = number.to_hex_str() else { return };
    let shown = sigscan::x509::serial_to_hex(ours.serial);
    let plain = |text: &str| text.trim_start_matches(['-', '0']).to_owned();
    // OpenSSL prints a negative number by its amount; sigscan prints the octets as they are.
    if ours.serial.first().is_some_and(|first| *first < 0x80) {
        assert_eq!(plain(&shown), plain(&serial));
    }
}

/// A CRL, against `x509-cert`.
pub fn crl(octets: &[u8]) {
    use sigscan::x509::crl::{CertificateList, CrlIndex};
    let ours = CertificateList::parse(octets);
    if let Ok(list) = &ours {
        let _ = (list.scope(), list.number(), list.authority_key_identifier());
        let _ = CrlIndex::build(list).len();
    }
    if let Ok(theirs) = x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(octets) {
        if ours.as_ref().is_err_and(|error| is_padded(octets, error)) {
            return;
        }
        let ours = ours.unwrap_or_else(|error| panic!("x509-cert reads it, sigscan says {error:?}"));
        assert_eq!(x509_cert::name::Name::from_der(ours.issuer).unwrap(), theirs.tbs_cert_list.issuer);
        let listed = theirs.tbs_cert_list.revoked_certificates.as_ref().map_or(0, Vec::len);
        assert!(CrlIndex::build(&ours).len() <= listed);
    }
}

/// An OCSP response.
pub fn ocsp(octets: &[u8]) {
    if let Ok(response) = sigscan::x509::ocsp::OcspResponse::parse(octets)
        && let Some(basic) = response.basic
    {
        let _ = basic.nonce();
    }
}

/// A certificate trust list, by itself and as it comes.
pub fn ctl(octets: &[u8]) {
    let _ = sigscan::x509::ctl::Ctl::parse(octets).map(|list| list.entries.len());
    let _ = sigscan::trust::ctl_from_stl(octets, &sigscan::trust::TrustStore::empty()).map(|list| list.entries.len());
}

/// What a signature says of its file, and of its program.
pub fn spc(octets: &[u8]) {
    let Ok(Some(element)) = Reader::new(octets).next() else { return };
    let _ = sigscan::cms::spc::SpcOpusInfo::parse(&element);
    let _ = sigscan::cms::spc::statement_types(&element);
    let _ = sigscan::cms::spc::digested_content(&element);
    if let Ok(list) = sigscan::cms::catalog::CatalogList::parse(element) {
        let _ = list.members().count();
    }
    if let Ok(content) = sigscan::cms::spc::SpcIndirectData::parse(element)
        && let Some(pages) = content.page_hashes()
    {
        let _ = (0..=pages.len()).map(|at| pages.entry(at).is_some()).filter(|there| *there).count();
    }
}

/// A timestamp token, and what it vouches for.
pub fn timestamp(octets: &[u8]) {
    let _ = sigscan::cms::timestamp::TstInfo::parse(octets);
    if let Ok(Some(element)) = Reader::new(octets).next()
        && element.tag == tag::SEQUENCE
    {
        let _ = sigscan::cms::timestamp::token(&element);
    }
}

/// A version resource that fills a section from its first octet.
pub fn version(octets: &[u8]) {
    use sigscan::container::pe::{Section, version::version_info};
    let sections = [Section {
        virtual_address: 0x1000,
        virtual_size: octets.len() as u32,
        raw_offset: 0,
        raw_size: octets.len() as u32,
    }];
    let mut read = |offset: u64, length: usize| {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
        Ok(octets[from..octets.len().min(from.saturating_add(length))].to_vec())
    };
    let _ = version_info(&sections, 0x1000, &mut read);
}

/// A trust store's file.
pub fn store(octets: &[u8]) {
    if let Ok(store) = sigscan::trust::TrustStore::from_file(octets.to_vec()) {
        let _ = store.roots().len();
    }
    let _ = sigscan::trust::certificates_in(octets).len();
}
