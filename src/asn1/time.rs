//! Moments: seconds since 1970 in UTC, read leniently from ASN.1 and written as RFC 3339.

use super::{Element, tag};

/// A moment in seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits of a year can write (RFC 3339 section 5.6).
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

impl Time {
    /// The moment of a civil date and time in UTC; `None` for a date that the calendar does not have, and for a year that
    /// is not of four digits. Second 60 (a leap second) counts as second 59.
    #[must_use]
    pub fn from_civil(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Time> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 || !(0..=9999).contains(&year) {
            return None;
        }
        let days = days_from_civil(year, i64::from(month), i64::from(day))?;
        let seconds = i64::from(hour)
            .checked_mul(3600)?
            .checked_add(i64::from(minute).checked_mul(60)?)?
            .checked_add(i64::from(second.min(59)))?;
        Some(Time(days.checked_mul(86_400)?.checked_add(seconds)?))
    }

    /// A Windows FILETIME: 100-nanosecond intervals since 1601-01-01 (Microsoft, FILETIME structure). What lies beyond
    /// the year 9999 counts as its end.
    #[must_use]
    pub fn from_filetime(filetime: u64) -> Option<Time> {
        let seconds = i64::try_from(filetime / 10_000_000).ok()?.checked_sub(11_644_473_600)?;
        Some(Time(seconds.min(*WRITABLE.end())))
    }

    /// Seconds since 1970; `None` outside of the years 0000 to 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Time> {
        WRITABLE.contains(&seconds).then_some(Time(seconds))
    }

    /// Reads an RFC 3339 moment such as `2026-12-01T00:00:00Z`, or a bare date, which is midnight UTC.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let digits = |range: std::ops::Range<usize>| -> Option<u32> {
            let part = text.get(range)?;
            if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
        };
        let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
        if text.get(4..5)? != "-" || text.get(7..8)? != "-" {
            return None;
        }
        if text.len() == 10 {
            return Time::from_civil(i64::from(year), month, day, 0, 0, 0);
        }
        if !matches!(text.get(10..11)?, "T" | "t" | " ") || text.get(13..14)? != ":" || text.get(16..17)? != ":" {
            return None;
        }
        let time = Time::from_civil(i64::from(year), month, day, digits(11..13)?, digits(14..16)?, digits(17..19)?)?;
        let mut zone = text.get(19..)?;
        if let Some(fraction) = zone.strip_prefix('.') {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            if end == 0 {
                return None;
            }
            zone = fraction.get(end..)?;
        }
        if zone.eq_ignore_ascii_case("z") {
            return Some(time);
        }
        Time(time.0).with_offset(zone)
    }

    /// Applies a `+hh:mm` or `+hhmm` offset from UTC. `None` where that leads out of the years 0000 to 9999.
    fn with_offset(self, zone: &str) -> Option<Time> {
        let (sign, rest) = match zone.split_at_checked(1)? {
            ("+", rest) => (1i64, rest),
            ("-", rest) => (-1i64, rest),
            _ => return None,
        };
        let rest = rest.replace(':', "");
        if rest.len() != 4 || !rest.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let hours: i64 = rest.get(..2)?.parse().ok()?;
        let minutes: i64 = rest.get(2..)?.parse().ok()?;
        if hours > 23 || minutes > 59 {
            return None;
        }
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
        self.0.checked_sub(sign.checked_mul(seconds)?).and_then(Time::from_seconds)
    }

    /// RFC 3339 text in UTC, seconds precision.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let days = self.0.div_euclid(86_400);
        let second = self.0.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            (second / 60).rem_euclid(60),
            second.rem_euclid(60)
        )
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A moment that a time authority states, and whether it is a part of a second later: certificates and lists state whole
/// seconds, and what was stamped in the second after an end was stamped after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamped {
    /// The second in which the moment lies.
    pub time: Time,
    /// The moment is later than that second's beginning.
    pub later: bool,
}

/// Reads UTCTime or GeneralizedTime (X.680 sections 46 and 47) with what real certificates contain beyond
/// DER: missing seconds, fractions of seconds, offsets from UTC. Two-digit years follow RFC 5280 section 4.1.2.5.1.
/// A GeneralizedTime without a zone is taken as UTC. `None` when the text is no moment.
#[must_use]
pub fn decode_time(element: &Element<'_>) -> Option<Time> {
    parse(element).map(|read| read.stamped.time)
}

/// The genTime of a token: GeneralizedTime with seconds, perhaps a fraction of them, and `Z` (RFC 3161 section 2.4.2).
/// `None` for anything else: without a zone it is the time of some unknown place (X.680 section 46.2).
#[must_use]
pub fn decode_gen_time(element: &Element<'_>) -> Option<Stamped> {
    let rest = element.content.split_first_chunk::<14>().filter(|(digits, _)| digits.iter().all(u8::is_ascii_digit))?.1;
    let formed = match rest {
        [b'Z'] => true,
        [b'.', fraction @ .., b'Z'] => !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    parse(element).filter(|_| formed && element.tag == tag::GENERALIZED_TIME).map(|read| read.stamped)
}

/// The signingTime of a counter-signature: as [`decode_time`], but never of an unknown place (RFC 5652 section 11.3).
#[must_use]
pub fn decode_signing_time(element: &Element<'_>) -> Option<Stamped> {
    parse(element).filter(|read| read.zoned).map(|read| read.stamped)
}

/// What [`decode_time`] reads.
struct Read {
    stamped: Stamped,
    /// The text says how far from UTC it is.
    zoned: bool,
}

fn parse(element: &Element<'_>) -> Option<Read> {
    let text = std::str::from_utf8(element.content).ok()?;
    let (year_digits, rest) = match element.tag {
        tag::UTC_TIME => text.split_at_checked(2)?,
        tag::GENERALIZED_TIME => text.split_at_checked(4)?,
        _ => return None,
    };
    let mut year: i64 = number(year_digits)?.into();
    if element.tag == tag::UTC_TIME {
        year = year.checked_add(if year >= 50 { 1900 } else { 2000 })?;
    }
    let field = |at: usize| number(rest.get(at..at.checked_add(2)?)?);
    let (month, day, hour) = (field(0)?, field(2)?, field(4)?);
    let minute = field(6)?;
    let (second, zone_at) = match field(8) {
        Some(second) => (second, 10),
        None => (0, 8),
    };
    let time = Time::from_civil(year, month, day, hour, minute, second)?;
    let mut zone = rest.get(zone_at..)?;
    let mut later = second == 60;
    if let Some(fraction) = zone.strip_prefix(['.', ',']) {
        if zone_at == 8 {
            return None; // a fraction of a minute, which would have to be counted as seconds
        }
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        later |= fraction.get(..end)?.bytes().any(|digit| digit != b'0');
        zone = fraction.get(end..)?;
    }
    let time = match zone {
        "Z" | "z" => time,
        "" if element.tag == tag::GENERALIZED_TIME => time,
        _ => time.with_offset(zone)?,
    };
    Some(Read { stamped: Stamped { time, later }, zoned: !zone.is_empty() })
}

fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years count from March so that the
/// leap day is a year's last; 400 years are 146,097 days and 1970-01-01 is day 719,468 of that count.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = month.checked_add(9)?.rem_euclid(12);
    let day_of_year =
        month_from_march.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let day_of_era = year_of_era
        .checked_mul(365)?
        .checked_add(year_of_era.div_euclid(4))?
        .checked_sub(year_of_era.div_euclid(100))?
        .checked_add(day_of_year)?;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

/// The inverse of [`days_from_civil`]; exact for every day an `i64` of seconds can name.
#[allow(clippy::arithmetic_side_effects)] // |days| < 2^63 / 86,400: no step can overflow
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;

    fn read(tag: u8, text: &str) -> Option<String> {
        let mut bytes = vec![tag, u8::try_from(text.len()).unwrap()];
        bytes.extend_from_slice(text.as_bytes());
        decode_time(&Reader::new(&bytes).any().unwrap()).map(Time::to_rfc3339)
    }

    #[test]
    fn asn1_times_as_they_occur() {
        let utc = |text| read(tag::UTC_TIME, text);
        assert_eq!(utc("260102030405Z").as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(utc("500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(utc("491231235960Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(utc("2601020304Z").as_deref(), Some("2026-01-02T03:04:00Z"));
        assert_eq!(utc("2601020304+0130").as_deref(), Some("2026-01-02T01:34:00Z"));
        assert_eq!(utc("260230000000Z"), None);
        assert_eq!(utc("2601"), None);
        let generalized = |text| read(tag::GENERALIZED_TIME, text);
        assert_eq!(generalized("20260102030405.123Z").as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(generalized("99991231235959Z").as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(generalized("2026010203040é"), None);
        assert_eq!(generalized("20260102030405").as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(generalized("202601020304.9Z"), None);
        assert_eq!(generalized("2026010203.9Z"), None);
        assert_eq!(utc("2601020304.5+0130"), None);
    }

    #[test]
    fn years_have_four_digits() {
        let generalized = |text| read(tag::GENERALIZED_TIME, text);
        assert_eq!(generalized("99991231235959-2359"), None);
        assert_eq!(generalized("99991231235959-0001"), None);
        assert_eq!(generalized("99991231235859-0001").as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(generalized("00000101000000+0001"), None);
        assert_eq!(generalized("00000101000000Z").as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(generalized("00000101000100+0001").as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(Time::parse_rfc3339("9999-12-31T23:59:59-23:59"), None);
        assert_eq!(Time::parse_rfc3339("0000-01-01T00:00:00+00:01"), None);
        assert_eq!(Time::from_civil(-1, 12, 31, 0, 0, 0), None);
        for filetime in [2_650_467_743_999_999_999, 2_650_467_744_000_000_000, u64::MAX] {
            assert_eq!(Time::from_filetime(filetime).unwrap().to_rfc3339(), "9999-12-31T23:59:59Z");
        }
        assert_eq!(Time::from_seconds(253_402_300_800), None);
        assert_eq!(Time::from_seconds(-62_167_219_201), None);
    }

    #[test]
    fn what_time_authorities_state() {
        let of = |tag: u8, text: &str, by: fn(&Element<'_>) -> Option<Stamped>| {
            let bytes = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            by(&Reader::new(&bytes).any().unwrap()).map(|stamped| (stamped.time.to_rfc3339(), stamped.later))
        };
        let at = |later| Some(("2026-01-02T03:04:05Z".to_owned(), later));
        let token = |text| of(tag::GENERALIZED_TIME, text, decode_gen_time);
        assert_eq!(token("20260102030405Z"), at(false));
        assert_eq!(token("20260102030405.000Z"), at(false));
        assert_eq!(token("20260102030405.1234567Z"), at(true));
        assert_eq!(token("20251231235960Z"), Some(("2025-12-31T23:59:59Z".to_owned(), true)));
        for text in
            ["20260102030405", "20260102030405.Z", "20260102030405,5Z", "20260102030405z", "20260102030405+0000"]
        {
            assert_eq!(token(text), None, "{text}");
        }
        for text in ["202601020304Z", "202601020304.5Z", "2026010203Z", "20260102030405.5", "20261302030405Z"] {
            assert_eq!(token(text), None, "{text}");
        }
        assert_eq!(of(tag::UTC_TIME, "260102030405Z", decode_gen_time), None);
        assert_eq!(of(tag::UTC_TIME, "20260102030405Z", decode_gen_time), None);
        let counter = |tag, text| of(tag, text, decode_signing_time);
        assert_eq!(counter(tag::UTC_TIME, "260102030405Z"), at(false));
        assert_eq!(counter(tag::UTC_TIME, "260102043405+0130"), at(false));
        assert_eq!(counter(tag::GENERALIZED_TIME, "20260102030405.5Z"), at(true));
        assert_eq!(counter(tag::GENERALIZED_TIME, "20260102030405"), None);
    }

    #[test]
    fn rfc3339_round_trips() {
        for text in ["1601-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2000-02-29T12:34:56Z", "2100-03-01T00:00:00Z"] {
            assert_eq!(Time::parse_rfc3339(text).unwrap().to_rfc3339(), text);
        }
        assert_eq!(Time::parse_rfc3339("2026-12-01").unwrap().0, 1_796_083_200);
        assert_eq!(Time::parse_rfc3339("2026-12-01T01:00:00+01:00").unwrap().0, 1_796_083_200);
        for bad in
            ["", "2026", "2026-13-01", "2026-12-01T", "2026-12-01T00:00:00", "2026-12-01T00:00:00X", "x026-12-01"]
        {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
        assert_eq!(Time::from_filetime(116_444_736_000_000_000), Some(Time(0)));
    }
}
