use super::*;

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

fn entry(serial: &[u8], date: &str, rest: &[u8]) -> Vec<u8> {
    element(0x30, &[element(0x02, serial), element(0x17, date.as_bytes()), rest.to_vec()].concat())
}

/// The empty Name.
const NOBODY: &[u8] = &[0x30, 0x84, 0, 0, 0, 0];

/// A list of these entries by a nameless issuer, with a signature of no meaning.
fn list(entries: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, &[0x06, 0x03, 0x2a, 0x03, 0x04]);
    let dates = [element(0x17, b"260501000000Z"), element(0x17, b"270501000000Z")].concat();
    let tbs = [element(0x02, &[1]), algorithm.clone(), element(0x30, &[]), dates, element(0x30, entries)].concat();
    element(0x30, &[element(0x30, &tbs), algorithm, element(0x03, &[0, 1, 2, 3])].concat())
}

/// Found by fuzzing against x509-cert, which reads such lists.
#[test]
fn a_signature_with_unused_bits_is_none_and_hides_no_list() {
    let mut bytes = list(&entry(&[7], "250301000000Z", &[]));
    let unused = bytes.len() - 4;
    assert_eq!(bytes[unused], 0);
    assert_eq!(CertificateList::parse(&bytes).unwrap().signature, [1, 2, 3]);
    bytes[unused] = 4;
    let view = CertificateList::parse(&bytes).unwrap();
    assert_eq!((view.signature, CrlIndex::build(&view).len()), (&[][..], 1));
}

#[test]
fn every_listed_serial_is_found_and_no_other() {
    // Serial numbers that differ only in front of their last four octets, and some that do not.
    let serial = |number: u32| [&number.to_be_bytes()[..], &(number % 7).to_be_bytes()].concat();
    let date = |number: u32| format!("2501010000{:02}Z", number % 60);
    let entries: Vec<u8> = (1..2000).rev().flat_map(|number| entry(&serial(number), &date(number), &[])).collect();
    let bytes = list(&entries);
    let view = CertificateList::parse(&bytes).unwrap();
    let index = CrlIndex::build(&view);
    assert_eq!((index.len(), index.cut, index.names_issuers(), index.unknown_critical), (1999, false, false, false));
    let find = |serial: &[u8]| index.find(&view, NOBODY, serial).unwrap();
    for number in 1..2000 {
        let found = find(&serial(number)).unwrap();
        assert_eq!(found.date, Time::parse_rfc3339(&format!("2025-01-01T00:00:{:02}Z", number % 60)));
    }
    assert_eq!(find(&serial(0)), None);
    assert_eq!(find(&serial(2000)), None);
    assert!(find(&[&[0, 0][..], &serial(5)].concat()).is_some(), "needless zeros count for nothing");
}

#[test]
fn of_two_entries_the_earlier_date_counts_and_an_unreadable_one_most() {
    let twice = [entry(&[7], "250301000000Z", &[]), entry(&[7], "240301000000Z", &[])].concat();
    let bytes = list(&twice);
    let view = CertificateList::parse(&bytes).unwrap();
    let found = CrlIndex::build(&view).find(&view, NOBODY, &[7]).unwrap().unwrap();
    assert_eq!(found.date, Time::parse_rfc3339("2024-03-01"));
    let bytes = list(&[twice, entry(&[7], "some day", &[])].concat());
    let view = CertificateList::parse(&bytes).unwrap();
    assert_eq!(CrlIndex::build(&view).find(&view, NOBODY, &[7]).unwrap().unwrap().date, None);
}

#[test]
fn what_cannot_be_read_to_the_end_says_so_and_keeps_what_can() {
    let good = entry(&[7], "250301000000Z", &[]);
    for junk in [&[0x30, 0x05][..], &[0x02, 0x01, 0x05], &[0x30, 0x00], &[0x30, 0x03, 0x02, 0x01, 0x09]] {
        let bytes = list(&[&good[..], junk].concat());
        let view = CertificateList::parse(&bytes).unwrap();
        let index = CrlIndex::build(&view);
        assert!(index.cut && index.find(&view, NOBODY, &[7]).unwrap().is_some(), "{junk:02x?}");
    }
    let whole = list(&good);
    for end in 0..whole.len() {
        assert!(CertificateList::parse(whole.get(..end).unwrap()).is_err());
    }
    // Any octet may be anything: the answer differs, and there is one.
    for place in 0..whole.len() {
        for value in [0x00, 0x01, 0x30, 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            *damaged.get_mut(place).unwrap() = value;
            if let Ok(view) = CertificateList::parse(&damaged) {
                let _ = (view.scope(), CrlIndex::build(&view).find(&view, NOBODY, &[7]));
            }
        }
    }
}

/// A Name of one attribute.
fn name(text: &str) -> Vec<u8> {
    element(0x30, &relative(text))
}

/// A RelativeDistinguishedName of one attribute.
fn relative(text: &str) -> Vec<u8> {
    let attribute = [element(0x06, &[0x55, 0x04, 0x03]), element(0x13, text.as_bytes())].concat();
    element(0x31, &element(0x30, &attribute))
}

fn names_issuer(text: &str) -> Vec<u8> {
    let value = element(0x30, &element(0xa4, &name(text)));
    let extension = [element(0x06, &[0x55, 0x1d, 0x1d]), element(0x01, &[0xff]), element(0x04, &value)].concat();
    element(0x30, &element(0x30, &extension))
}

#[test]
fn serial_numbers_are_compared_as_numbers() {
    let bytes = list(&[entry(&[0xff], "240101000000Z", &[]), entry(&[0, 0x81], "240201000000Z", &[])].concat());
    let view = CertificateList::parse(&bytes).unwrap();
    let index = CrlIndex::build(&view);
    let listed = |serial: &[u8]| index.find(&view, NOBODY, serial).unwrap().is_some();
    assert!(listed(&[0xff]) && listed(&[0xff, 0xff]) && listed(&[0, 0x81]) && listed(&[0, 0, 0x81]));
    assert!(!listed(&[0, 0xff]) && !listed(&[0x81]));
}

#[test]
fn an_entry_is_of_the_issuer_that_was_named_last() {
    let entries = [
        entry(&[7], "240101000000Z", &[]),
        entry(&[7], "240201000000Z", &names_issuer("first")),
        entry(&[8], "240301000000Z", &[]),
        entry(&[7], "240401000000Z", &names_issuer("second")),
        entry(&[9], "240501000000Z", &[]),
    ];
    let bytes = list(&entries.concat());
    let view = CertificateList::parse(&bytes).unwrap();
    let index = CrlIndex::build(&view);
    assert!(index.names_issuers());
    let month = |issuer: &[u8], serial: u8| {
        let entry = index.find(&view, issuer, &[serial]).unwrap()?;
        entry.date.map(|date| date.to_rfc3339()[5..7].to_owned())
    };
    let found = |issuer: &[u8]| [7, 8, 9].map(|serial| month(issuer, serial).unwrap_or_default());
    assert_eq!(found(NOBODY), ["01", "", ""]);
    assert_eq!(found(&name("FIRST")), ["02", "03", ""]);
    assert_eq!(found(&name("second")), ["04", "", "05"]);
    assert_eq!(found(&name("third")), ["", "", ""]);
}

#[test]
fn a_serial_number_that_is_listed_without_end_is_not_looked_for_without_end() {
    let bytes = list(&entry(&[7], "240101000000Z", &[]).repeat(4097));
    let view = CertificateList::parse(&bytes).unwrap();
    let index = CrlIndex::build(&view);
    assert_eq!(index.find(&view, NOBODY, &[7]), Err(TooManyEntries));
    assert_eq!(index.find(&view, NOBODY, &[8]), Ok(None));
}
