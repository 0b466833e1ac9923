//! Texts in UTF-16, as Windows writes them.

use super::views::DecodedText;

/// How much of a text says whether it is one, in bytes.
const LOOKED_AT: usize = 256;

/// What begins and ends a placeholder, which is not in UTF-16.
const OPENS: &[u8] = "\u{ab}snap:".as_bytes();
const CLOSES: &[u8] = "\u{bb}".as_bytes();

/// The longest placeholder.
const LONGEST: usize = 128;

/// Returns a text in UTF-8, if it is one in UTF-16: by its mark, or because every second byte is 0.
pub(super) fn decoded(text: &[u8]) -> Option<DecodedText> {
    let is_big = match text {
        [0xff, 0xfe, ..] => false,
        [0xfe, 0xff, ..] => true,
        _ => is_big_without_mark(text)?,
    };
    let unit = |at: usize| {
        let pair: [u8; 2] = text.get(at..at + 2)?.try_into().ok()?;
        Some(if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let mut view = DecodedText::with_capacity(text.len() / 2);
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(OPENS) {
            let rest = &text[at..text.len().min(at + LONGEST)];
            let end = memchr::memmem::find(rest, CLOSES).map_or(rest.len(), |close| close + CLOSES.len());
            (at..at + end).for_each(|at| view.push(text[at], at));
            at += end;
            continue;
        }
        let Some(first) = unit(at) else {
            view.push(b'?', at);
            break;
        };
        let pair = unit(at + 2).map(|second| [first, second]);
        let read = |units: &[u16]| char::decode_utf16(units.iter().copied()).next().and_then(Result::ok);
        let is_pair = (0xd800..0xdc00).contains(&first);
        let (one, length) = match pair.filter(|_| is_pair).and_then(|pair| read(&pair)) {
            Some(one) => (one, 4),
            None => (read(&[first]).unwrap_or(char::REPLACEMENT_CHARACTER), 2),
        };
        one.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| view.push(byte, at));
        at += length;
    }
    Some(view.end(text.len()))
}

/// Returns the part of a text that is in UTF-16, as where a program appended to the output of another one, in UTF-8: from the
/// first place to the last one where every second byte is 0, without these.
pub(super) fn part(text: &[u8]) -> Option<DecodedText> {
    let is_plain = |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let is_zero = |at: usize| text.get(at) == Some(&0);
    let is_run = |at: usize| (0..RUN).all(|unit| is_plain(at + 2 * unit) && is_zero(at + 2 * unit + 1));
    let mut runs =
        memchr::memchr_iter(0, text).filter_map(|zero| zero.checked_sub(1)).filter(|at| is_run(*at));
    let first = runs.next()?;
    let last = runs.next_back().unwrap_or(first);
    let end = text.len().min(last + 2 * RUN);
    let mut view = DecodedText::with_capacity((end - first) / 2);
    (first..end).filter(|at| !is_zero(*at)).for_each(|at| view.push(text[at], at));
    Some(view.end(end))
}

/// So many characters of ASCII in UTF-16 are there by chance in no other text.
const RUN: usize = 8;

fn is_big_without_mark(text: &[u8]) -> Option<bool> {
    let pairs = text[..text.len().min(LOOKED_AT)].as_chunks::<2>().0;
    if pairs.len() < 4 {
        return None;
    }
    let is_most = |number: usize| number * 8 >= pairs.len() * 7;
    let zeros = |which: usize| pairs.iter().filter(|pair| pair[which] == 0 && pair[1 - which] != 0).count();
    match (is_most(zeros(0)), is_most(zeros(1))) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let text = "API_TOKEN=q8Zr2é\u{1f600}\r\n";
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        for (bytes, mark) in [
            (little.clone(), 0),
            (big.clone(), 0),
            ([&[0xff, 0xfe][..], &little].concat(), 2),
            ([&[0xfe, 0xff][..], &big].concat(), 2),
        ] {
            let view = decoded(&bytes).expect("UTF-16");
            let found = String::from_utf8_lossy(&view.bytes).into_owned();
            assert!(found.ends_with(text), "{found:?}");
            let start = found.find("q8Zr2").expect("the value");
            assert_eq!(view.span(&(start..start + 5)), mark + 20..mark + 30);
        }
        assert!(decoded(b"API_TOKEN=q8Zr2").is_none());
        assert!(decoded(&[0; 64]).is_none());
    }
}
