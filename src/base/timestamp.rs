//! Moments and spans of time, as stored and as people write them.
//!
//! Owns the `time` crate. A [`Timestamp`] is UTC with millisecond precision. The clock is read only by
//! [`Timestamp::now`], which is called once at the edge and passed down.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in UTC, in whole milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Reads the system clock.
    pub fn now() -> Timestamp {
        SystemTime::now().into()
    }

    /// Makes a moment from milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Returns the milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment so much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Formats as `20261121-011935`, for names made from a moment.
    pub fn compact(self) -> String {
        let at = self.calendar();
        format!(
            "{:04}{:02}{:02}-{:02}{:02}{:02}",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    /// Formats as `2026-11-21 01:19 UTC`, for sentences.
    pub fn minute(self) -> String {
        let at = self.calendar();
        let (month, hour, minute) = (u8::from(at.month()), at.hour(), at.minute());
        format!("{:04}-{month:02}-{:02} {hour:02}:{minute:02} UTC", at.year(), at.day())
    }

    /// Says how old something of this moment is: `3d`, `now`, or `in 2w` by a clock that is wrong.
    pub fn age(self, now: Timestamp) -> String {
        match self.since(now) {
            // Two clocks are never quite the same.
            ahead if ahead >= Duration::from_secs(60) => format!("in {}", age(ahead)),
            _ => age(now.since(self)),
        }
    }

    /// Formats the time of day as `14:07`, by clocks that are so many minutes ahead of UTC.
    pub fn clock(self, ahead: i32) -> String {
        let at = Timestamp(self.0.saturating_add(i64::from(ahead) * 60_000)).calendar();
        format!("{:02}:{:02}", at.hour(), at.minute())
    }

    fn calendar(self) -> OffsetDateTime {
        // Out of the years 0 to 9999 only a damaged or hostile file can be; show the epoch.
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .filter(|at| (0..=9999).contains(&at.year()))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Timestamp {
        let millis = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp(millis)
    }
}

/// Prints RFC 3339 with milliseconds and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.calendar();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.millisecond()
        )
    }
}

impl FromStr for Timestamp {
    type Err = String;

    /// Reads RFC 3339 with any offset.
    fn from_str(text: &str) -> Result<Timestamp, String> {
        let at = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|error| format!("{text:?} is not an RFC 3339 time ({error})"))?;
        let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Timestamp).map_err(|error| error.to_string())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads a span as people write it: `7d`, `36h`, `2w`, `1d12h`, `90m`, `30s`.
///
/// # Errors
/// Says what is wrong with the text, for a usage message.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not a span of time; write a number and a unit (w, d, h, m, s), such as 7d, 36h, 2w or 1d12h"
        )
    };
    let mut seconds: u64 = 0;
    let mut number: Option<u64> = None;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let so_far = number.unwrap_or(0).checked_mul(10).ok_or_else(wrong)?;
            number = Some(so_far.checked_add(u64::from(digit)).ok_or_else(wrong)?);
        } else {
            let (_, unit) = UNITS.iter().find(|(letter, _)| *letter == c).ok_or_else(wrong)?;
            let part = number.take().ok_or_else(wrong)?.checked_mul(*unit).ok_or_else(wrong)?;
            seconds = seconds.checked_add(part).ok_or_else(wrong)?;
        }
    }
    match (text.is_empty(), number) {
        (false, None) => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong()),
    }
}

/// Formats a span by its largest unit: `3d`, `5h`, `12m`, `40s`, `now`.
pub fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    UNITS
        .iter()
        // Days up to a fortnight read better than "1w".
        .filter(|(letter, _)| *letter != 'w' || seconds >= 14 * 86_400)
        .find(|(_, unit)| seconds >= *unit)
        .map_or_else(|| "now".to_owned(), |(letter, unit)| format!("{}{letter}", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let seconds = |text: &str| parse_span(text).map(|span| span.as_secs());
        assert_eq!(seconds("7d"), Ok(604_800));
        assert_eq!(seconds("36h"), Ok(129_600));
        assert_eq!(seconds("2w"), Ok(1_209_600));
        assert_eq!(seconds("1d12h"), Ok(129_600));
        for wrong in ["", "7", "d", "7 d", "-7d", "7y", "7d3", "99999999999999999999d", "9999999999999999w"] {
            assert!(parse_span(wrong).is_err(), "{wrong:?} must be refused");
        }
    }

    #[test]
    fn a_moment_survives_being_written_and_read() {
        let moment = Timestamp::from_millis(1_795_223_975_028);
        assert_eq!(moment.to_string(), "2026-11-21T01:19:35.028Z");
        assert_eq!(moment.minute(), "2026-11-21 01:19 UTC");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!(moment.compact(), "20261121-011935");
    }

    #[test]
    fn an_absurd_moment_prints_instead_of_failing() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn ages_are_short() {
        let of = |seconds| age(Duration::from_secs(seconds));
        assert_eq!([of(0), of(59), of(3_599), of(7_200)], ["now", "59s", "59m", "2h"]);
        assert_eq!([of(8 * 86_400), of(15 * 86_400)], ["8d", "2w"]);
        let now = Timestamp::from_millis(1_000_000);
        let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1_000).age(now);
        assert_eq!(
            [at(-120), at(0), at(59), at(60), at(15 * 86_400)],
            ["2m", "now", "now", "in 1m", "in 2w"]
        );
    }
}
