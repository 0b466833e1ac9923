//! A known value is found however a program writes it: random values, through writers that do what the usual libraries do.

use std::fmt::Write as _;

use claude_snap::secrets::{Hit, KnownValue, Scanner};
use serde_json::json;

use crate::support::Must;
use crate::support::planted::{Random, base64};

/// How many values each writer writes; set it for the long form.
const CASES: &str = "SNAP_CASES";

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SIGNS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const FOREIGN: &str = "éüßñøÅçλжщ漢字€😀";

fn cases() -> usize {
    std::env::var(CASES).ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

fn of(random: &mut Random, alphabet: &str, length: std::ops::Range<usize>) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let length = length.start + random.below(length.len());
    (0..length).map(|_| letters[random.below(letters.len())]).collect()
}

/// A value of 12 to 41 characters, most of them letters and digits, with some of the others among them.
fn value(random: &mut Random, others: &str) -> String {
    let mut all: Vec<char> = of(random, LETTERS, 12..36).chars().collect();
    for other in of(random, others, 0..6).chars() {
        all.insert(random.below(all.len() + 1), other);
    }
    all.into_iter().collect()
}

fn values(random: &mut Random) -> String {
    let others = match random.below(3) {
        0 => SIGNS.to_owned(),
        1 => FOREIGN.to_owned(),
        _ => format!("{SIGNS}{FOREIGN}"),
    };
    value(random, &others)
}

fn each(text: &str, write: impl Fn(char) -> Option<String>) -> String {
    text.chars().map(|one| write(one).unwrap_or_else(|| one.to_string())).collect()
}

fn units(one: char, prefix: &str) -> String {
    one.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |mut all, unit| {
        let _written = write!(all, "{prefix}{unit:04x}");
        all
    })
}

/// `json.dumps` of Python, without the quotes.
fn ascii_json(text: &str) -> String {
    each(&plain_json(text), |one| (!one.is_ascii()).then(|| units(one, "\\u")))
}

/// `JSON.stringify`, without the quotes.
fn plain_json(text: &str) -> String {
    let json = json!(text).to_string();
    json[1..json.len() - 1].to_owned()
}

/// JSON of Go and of Rails: what matters to HTML is escaped too.
fn html_json(text: &str) -> String {
    each(&plain_json(text), |one| "<>&".contains(one).then(|| units(one, "\\u")))
}

fn twice(text: &str) -> String {
    plain_json(&format!("{{\"a\":\"{}\"}}", plain_json(text)))
}

fn entities(text: &str, of: &[(char, &str)]) -> String {
    each(text, |one| of.iter().find(|(own, _)| *own == one).map(|(_, written)| (*written).to_owned()))
}

fn percent(text: &str, kept: &str, lower: bool) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let _written = match byte {
            byte if byte.is_ascii_alphanumeric() || kept.contains(char::from(byte)) && byte.is_ascii() => {
                write!(all, "{}", char::from(byte))
            }
            byte if lower => write!(all, "%{byte:02x}"),
            byte => write!(all, "%{byte:02X}"),
        };
        all
    })
}

fn bytes(text: &str, write: impl Fn(u8) -> String) -> Vec<String> {
    text.bytes().map(write).collect()
}

fn upper_hex(text: &str) -> String {
    bytes(text, |byte| format!("{byte:02X}")).concat()
}

fn lower_hex(text: &str) -> String {
    bytes(text, |byte| format!("{byte:02x}")).concat()
}

/// The same with ends of lines, as programs wrap long codes.
fn wrapped(code: &str, width: usize, end: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(width).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join(end)
}

fn printf_q(text: &str) -> String {
    each(text, |one| {
        let plain = one.is_alphanumeric() || "%+-./:=@_".contains(one);
        (!plain).then(|| format!("\\{one}"))
    })
}

/// How Python shows bytes.
fn repr(text: &str) -> String {
    let written = bytes(text, |byte| match byte {
        b'\\' => "\\\\".to_owned(),
        b'\'' if text.contains('"') => "\\'".to_owned(),
        0x20..0x7f => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("b'{}'", written.concat())
}

fn quoted_printable(text: &str) -> String {
    let coded = bytes(text, |byte| match byte {
        b'=' | 0x7f.. => format!("={byte:02X}"),
        _ => char::from(byte).to_string(),
    });
    let (mut all, mut column) = (String::new(), 0);
    for one in coded {
        if column + one.len() > 60 {
            all += "=\n";
            column = 0;
        }
        column += one.len();
        all += &one;
    }
    all
}

/// Base64 of the value with something before it and after it, in lines of this width.
fn coded(random: &mut Random, value: &str, width: usize, end: &str) -> String {
    let noise = |random: &mut Random| -> Vec<u8> {
        (0..random.below(90)).map(|_| u8::try_from(random.below(256)).unwrap_or(0)).collect()
    };
    // A short value must be alone.
    let all =
        [noise(random), b" ".to_vec(), value.as_bytes().to_vec(), b" ".to_vec(), noise(random)].concat();
    wrapped(&base64(&all), width, end)
}

type Writer = (&'static str, fn(&mut Random, &str) -> String);

const MARKUP: [(char, &str); 3] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")];

const WRITERS: &[Writer] = &[
    ("as it is", |_, value| value.to_owned()),
    ("json.dumps", |_, value| ascii_json(value)),
    ("json.dumps, upper case", |_, value| {
        each(&plain_json(value), |one| {
            (!one.is_ascii()).then(|| units(one, "\\u").to_uppercase().replace('U', "u"))
        })
    }),
    ("json.dumps twice", |_, value| ascii_json(&format!("{{\"a\":\"{}\"}}", ascii_json(value)))),
    ("JSON.stringify twice", |_, value| twice(value)),
    ("JSON.stringify three times", |_, value| plain_json(&twice(value))),
    ("JSON of Go", |_, value| html_json(value)),
    ("JSON of PHP", |_, value| ascii_json(value).replace('/', "\\/")),
    ("saxutils.escape", |_, value| entities(value, &MARKUP)),
    ("saxutils.quoteattr", |_, value| entities(value, &[&MARKUP[..], &[('"', "&quot;")]].concat())),
    ("html.escape", |_, value| {
        entities(value, &[&MARKUP[..], &[('"', "&quot;"), ('\'', "&#x27;")]].concat())
    }),
    ("XML with &apos;", |_, value| {
        entities(value, &[&MARKUP[..], &[('"', "&quot;"), ('\'', "&apos;")]].concat())
    }),
    ("canonical XML", |_, value| entities(value, &[('&', "&amp;"), ('"', "&quot;")])),
    ("XML in ASCII", |_, value| {
        each(&entities(value, &MARKUP), |one| (!one.is_ascii()).then(|| format!("&#{};", u32::from(one))))
    }),
    ("numeric entities of signs", |random, value| {
        let how = random.below(3);
        each(value, |one| {
            (!one.is_ascii_alphanumeric()).then(|| match (how, u32::from(one)) {
                (0, code) => format!("&#{code};"),
                (1, code) => format!("&#x{code:x};"),
                (_, code) => format!("&#x{code:X};"),
            })
        })
    }),
    ("numeric entities of all", |random, value| {
        let hex = random.below(2) == 0;
        each(value, |one| {
            let code = u32::from(one);
            Some(if hex { format!("&#x{code:x};") } else { format!("&#{code};") })
        })
    }),
    ("escaped twice for HTML", |_, value| entities(&entities(value, &MARKUP), &MARKUP)),
    ("XML in JSON of Go", |_, value| html_json(&entities(value, &MARKUP))),
    ("urllib.quote", |_, value| percent(value, "_.-~/", false)),
    ("urllib.quote_plus", |_, value| percent(value, "_.-~", false)),
    ("encodeURI, lower case", |_, value| percent(value, "_.-~/;,?:@&=+$!*'()#", true)),
    ("percent of all", |_, value| bytes(value, |byte| format!("%{byte:02X}")).concat()),
    ("quoted twice for a URL", |_, value| percent(&percent(value, "", false), "", false)),
    ("shlex.quote", |_, value| format!("'{}'", value.replace('\'', "'\"'\"'"))),
    ("printf %q", |_, value| printf_q(value)),
    ("$'…'", |_, value| format!("$'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))),
    ("in double quotes of a shell", |_, value| {
        each(value, |one| "$`\"\\".contains(one).then(|| format!("\\{one}")))
    }),
    ("re.escape", |_, value| each(value, |one| SIGNS.contains(one).then(|| format!("\\{one}")))),
    ("SQL", |_, value| value.replace('\'', "''")),
    ("CSV", |_, value| format!("\"{}\"", value.replace('"', "\"\""))),
    ("compose file", |_, value| value.replace('$', "$$")),
    ("ini file", |_, value| value.replace('%', "%%")),
    ("repr of bytes", |_, value| repr(value)),
    ("ascii() of Latin-1", |_, value| {
        each(&plain_json(value), |one| match u32::from(one) {
            code @ 0x80..=0xff => Some(format!("\\x{code:02x}")),
            code @ 0x100..=0xffff => Some(format!("\\u{code:04x}")),
            code @ 0x10000.. => Some(format!("\\U{code:08x}")),
            _ => None,
        })
    }),
    ("\\x of all", |_, value| bytes(value, |byte| format!("\\x{byte:02x}")).concat()),
    ("\\X of all", |_, value| bytes(value, |byte| format!("\\x{byte:02X}")).concat()),
    ("\\u of all", |_, value| each(value, |one| Some(units(one, "\\u")))),
    ("octal of all", |_, value| bytes(value, |byte| format!("\\{byte:03o}")).concat()),
    ("octal of what is not ASCII", |_, value| {
        bytes(value, |byte| if byte < 0x7f { char::from(byte).to_string() } else { format!("\\{byte:03o}") })
            .concat()
    }),
    ("quoted-printable", |random, value| {
        quoted_printable(&format!("{} {value}", of(random, LETTERS, 0..60)))
    }),
    ("hex", |_, value| lower_hex(value)),
    ("HEX", |_, value| upper_hex(value)),
    ("hex within more", |random, value| {
        format!("{}{}{}", lower_hex(&of(random, LETTERS, 0..9)), lower_hex(value), lower_hex("and more"))
    }),
    ("xxd -p", |random, value| {
        wrapped(&lower_hex(&format!("{}{value} and", of(random, LETTERS, 0..60))), 60, "\n")
    }),
    ("xxd -p -u", |random, value| {
        wrapped(&upper_hex(&format!("{}{value} and", of(random, LETTERS, 0..60))), 60, "\n")
    }),
    ("hex with blanks", |_, value| bytes(value, |byte| format!("{byte:02x}")).join(" ")),
    ("hex with colons", |_, value| bytes(value, |byte| format!("{byte:02x}")).join(":")),
    ("HEX with colons", |_, value| bytes(value, |byte| format!("{byte:02X}")).join(":")),
    ("od -An -tx1", |random, value| {
        let all = format!("{}{value} and", of(random, LETTERS, 0..30));
        let rows = bytes(&all, |byte| format!(" {byte:02x}"));
        rows.chunks(16).map(<[String]>::concat).collect::<Vec<_>>().join("\n")
    }),
    ("a list of 0x", |_, value| bytes(value, |byte| format!("0x{byte:02x}")).join(", ")),
    ("a list of numbers", |_, value| format!("[{}]", bytes(value, |byte| byte.to_string()).join(", "))),
    ("a Buffer in JSON", |_, value| {
        format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", bytes(value, |byte| byte.to_string()).join(","))
    }),
    ("a list of 0x in lines", |_, value| {
        let rows = bytes(value, |byte| format!("0x{byte:02X}"));
        rows.chunks(12).map(|row| format!("  {}", row.join(", "))).collect::<Vec<_>>().join(",\n")
    }),
    ("base64", |random, value| coded(random, value, 10_000, "")),
    ("base64 for the web", |random, value| {
        coded(random, value, 10_000, "").replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
    }),
    ("base64 -w60", |random, value| coded(random, value, 60, "\n")),
    ("base64 -w64", |random, value| coded(random, value, 64, "\n")),
    ("base64 -w76", |random, value| coded(random, value, 76, "\n")),
    ("base64 -w76 with CR LF", |random, value| coded(random, value, 76, "\r\n")),
    ("base64 in YAML", |random, value| coded(random, value, 70, "\n      ")),
    ("base64 | base64", |random, value| {
        wrapped(&base64(coded(random, value, 76, "\n").as_bytes()), 76, "\n")
    }),
    ("base64 -w0 | base64 -w0", |random, value| base64(coded(random, value, 10_000, "").as_bytes())),
    ("JSON in base64", |random, value| {
        let all = format!("{}{{\"auth\":\"{}\"}}", of(random, LETTERS, 0..3), ascii_json(value));
        wrapped(&base64(all.as_bytes()), 76, "\n")
    }),
    ("broken by the end of a line", |random, value| {
        let at = 1 + random.below(value.chars().count() - 1);
        let (head, tail): (String, String) =
            (value.chars().take(at).collect(), value.chars().skip(at).collect());
        let end = ["\n", "\r\n", "\n    ", "\\\n", "\n> ", "\n+"][random.below(6)];
        format!("{head}{end}{tail}")
    }),
];

/// Where a text stands: as it is, in a record, in JSON in a record.
const PLACES: [&str; 3] = ["text", "record", "JSON in a record"];

/// What is left of a text in a place.
fn redacted(scanner: &Scanner, place: &str, text: &str) -> String {
    let mut take_out = |_: &Hit<'_>| Some("\u{ab}out\u{bb}".to_owned());
    if place == "text" {
        let left = scanner.redact_text(text.as_bytes(), &mut take_out);
        return left.map_or(text.to_owned(), |left| String::from_utf8_lossy(&left).into_owned());
    }
    let content = if place == "record" { text.to_owned() } else { json!({"stdout": text}).to_string() };
    let record = json!({"type": "user", "message": {"role": "user", "content": content}}).to_string();
    let left = scanner.redact_records(record.as_bytes(), &mut take_out).unwrap_or(record.into_bytes());
    let left: serde_json::Value = serde_json::from_slice(&left).must("still JSON");
    let content = left["message"]["content"].as_str().must("a text").to_owned();
    if place == "record" {
        return content;
    }
    let inner = serde_json::from_str::<serde_json::Value>(&content).unwrap_or_default();
    inner["stdout"].as_str().unwrap_or(&content).to_owned()
}

/// Another value that is as long in all writings.
fn another(value: &str) -> String {
    let next = |at: usize, of: &[u8]| char::from(of[(at + 7) % of.len()]);
    each(value, |one| {
        let of = [&LETTERS[..26], &LETTERS[26..29], &LETTERS[29..52], &LETTERS[52..]]
            .into_iter()
            .find(|of| of.contains(one))?;
        Some(next(of.find(one)?, of.as_bytes()).to_string())
    })
}

/// Whether more than a few characters of what was written are left: of the part that would be another one for another value.
fn is_left(written: &str, of_another: &str, left: &str) -> bool {
    let (own, other): (Vec<char>, Vec<char>) = (written.chars().collect(), of_another.chars().collect());
    assert_eq!(own.len(), other.len(), "{written:?} {of_another:?}");
    let differs = |at: &usize| own[*at] != other[*at];
    let (first, last) = ((0..own.len()).find(differs), (0..own.len()).rev().find(differs));
    let own = &own[first.unwrap_or(0)..=last.must("a difference")];
    own.windows(13).any(|piece| left.contains(&piece.iter().collect::<String>()))
}

#[test]
fn a_known_value_is_found_whoever_writes_it() {
    let mut missed = String::new();
    let mut counts = String::new();
    for (number, (name, write)) in WRITERS.iter().enumerate() {
        let mut random = Random::new(number as u64 + 1);
        for (place, seen) in PLACES.iter().flat_map(|place| [(place, false), (place, true)]) {
            let (mut found, mut example) = (0, None);
            for _ in 0..cases() {
                let value = values(&mut random);
                let known =
                    vec![KnownValue { name: "MY_TOKEN".to_owned(), value: value.clone(), is_whole: true }];
                let scanner = Scanner::new(if seen { Vec::new() } else { known.clone() });
                let scanner = if seen { scanner.with_seen(known) } else { scanner };
                let seed = random.below(1 << 30) as u64;
                let written = write(&mut Random::new(seed), &value);
                let of_another = write(&mut Random::new(seed), &another(&value));
                let left = redacted(&scanner, place, &format!("it is here: {written} \nand that was it\n"));
                if is_left(&written, &of_another, &left) || !left.contains('\u{ab}') {
                    example = example.or(Some(format!("{value} as {written}: {left}")));
                } else {
                    found += 1;
                }
            }
            let _written = writeln!(counts, "{name}, {place}: {found} of {}", cases());
            if let Some(example) = example {
                let _written =
                    writeln!(missed, "{name}, {place}, seen {seen}: {found} of {}: {example}", cases());
            }
        }
    }
    println!("{counts}");
    assert!(missed.is_empty(), "{missed}");
}
