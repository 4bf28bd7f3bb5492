//! Moments: seconds since 1970 in UTC, read leniently from ASN.1 and written as RFC 3339.

use super::{Element, tag};

/// A moment in seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// The moment of a civil date and time in UTC; `None` for a date that the calendar does not have.
    /// Second 60 (a leap second) counts as second 59.
    #[must_use]
    pub fn from_civil(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Time> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 || !(-9999..=9999).contains(&year) {
            return None;
        }
        let days = days_from_civil(year, i64::from(month), i64::from(day))?;
        let seconds = i64::from(hour)
            .checked_mul(3600)?
            .checked_add(i64::from(minute).checked_mul(60)?)?
            .checked_add(i64::from(second.min(59)))?;
        Some(Time(days.checked_mul(86_400)?.checked_add(seconds)?))
    }

    /// A Windows FILETIME: 100-nanosecond intervals since 1601-01-01 (Microsoft, FILETIME structure).
    #[must_use]
    pub fn from_filetime(filetime: u64) -> Option<Time> {
        i64::try_from(filetime / 10_000_000).ok()?.checked_sub(11_644_473_600).map(Time)
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

    /// Applies a `+hh:mm` or `+hhmm` offset from UTC.
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
        self.0.checked_sub(sign.checked_mul(seconds)?).map(Time)
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

/// Reads UTCTime or GeneralizedTime (X.680 sections 46 and 47) with what real certificates contain beyond
/// DER: missing seconds, fractions, offsets from UTC. Two-digit years follow RFC 5280 section 4.1.2.5.1.
/// A GeneralizedTime without a zone is taken as UTC. `None` when the text is no moment.
#[must_use]
pub fn decode_time(element: &Element<'_>) -> Option<Time> {
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
    if let Some(fraction) = zone.strip_prefix(['.', ',']) {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        zone = fraction.get(end..)?;
    }
    match zone {
        "Z" | "z" => Some(time),
        "" if element.tag == tag::GENERALIZED_TIME => Some(time),
        _ => time.with_offset(zone),
    }
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
