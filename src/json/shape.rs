//! The shape of a JSON text, checked before anything is built from it.
//!
//! A few megabytes of `[[[[` or `0,0,0,` become gigabytes of values or a stack that overflows. A key that is
//! there twice means one thing to one reader and another to the next. Pure.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// How deep values may nest.
const DEEPEST: u32 = 100;

/// How many values there may be: more than a manifest of 200,000 edited files has.
const MOST_VALUES: u64 = 3_000_000;

/// How deep another person's value may nest if it is put inside one of ours.
const DEEPEST_INSIDE: u32 = DEEPEST - 10;

/// How many values such a one may have.
const MOST_VALUES_INSIDE: u64 = 50_000;

/// Says whether another person's text can be put inside a text that must pass all of this.
pub fn fits_inside(json: &[u8]) -> bool {
    within(json, DEEPEST_INSIDE, MOST_VALUES_INSIDE).is_ok() && refuse_repeated_keys(json).is_ok()
}

/// Refuses a text that nests too deep or has too many values, in one pass that builds nothing.
///
/// # Errors
/// Says which it is.
pub fn check(json: &[u8]) -> Result<(), String> {
    within(json, DEEPEST, MOST_VALUES)
}

fn within(json: &[u8], deepest: u32, most: u64) -> Result<(), String> {
    let (mut depth, mut values) = (0_u32, 0_u64);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(inside) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth += 1;
                values += 1;
                if depth > deepest {
                    return Err(format!("its values nest deeper than {deepest}"));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    if values > most { Err(format!("it has more than {most} values")) } else { Ok(()) }
}

/// Refuses a text in which an object has a key twice.
///
/// # Errors
/// Says which key, or that it is no JSON.
pub fn refuse_repeated_keys(json: &[u8]) -> Result<(), String> {
    serde_json::from_slice::<Plain>(json).map(drop).map_err(|error| error.to_string())
}

/// Any value, looked at and forgotten.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Plain, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_str<E>(self, _: &str) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Plain, A::Error> {
        while list.next_element::<Plain>()?.is_some() {}
        Ok(Plain)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Plain, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = object.next_key::<String>()? {
            object.next_value::<Plain>()?;
            if keys.contains(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            keys.insert(key);
        }
        Ok(Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_cost_much_is_refused_before_it_is_built() {
        assert!(check(&b"[".repeat(1_000)).is_err());
        assert!(check(&b"{\"a\":".repeat(1_000)).is_err());
        assert!(check(&b"0,".repeat(4_000_000)).is_err());
        let text = format!("{{\"a\": [{}]}}", serde_json::json!("[{,\\\"".repeat(1_000)));
        assert_eq!(check(text.as_bytes()), Ok(()), "what is in a string counts for nothing");
    }

    #[test]
    fn what_is_to_stand_inside_another_text_leaves_room_for_it() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (text, fits) in [
            (nested(90), true),
            (nested(91), false),
            (r#"{"a":1,"a":1}"#.to_owned(), false),
            ("1e999999".to_owned(), false),
            (format!("[{}0]", "0,".repeat(60_000)), false),
            ("{".to_owned(), false),
        ] {
            assert_eq!(fits_inside(text.as_bytes()), fits, "{}", &text[..text.len().min(20)]);
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_at_any_depth() {
        for bad in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#, "{", "1 2"] {
            assert!(refuse_repeated_keys(bad.as_bytes()).is_err(), "{bad}");
        }
        let fine = r#"{"a":{"a":[1,-1.5,1e999999,"a",null,true]},"b":{"a":18446744073709551616}}"#;
        assert_eq!(refuse_repeated_keys(fine.replace("1e999999", "1e99").as_bytes()), Ok(()));
    }
}
