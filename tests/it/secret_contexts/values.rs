//! Random values of the right shape, and how programs write them: what fills the holes of the templates.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::support::planted::{Random, base64};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const HEX: &str = "0123456789abcdef";
const DIGITS: &str = "0123456789";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const WEB: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SYMBOLS: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%^*&+-";
const PLAIN: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789_.+~-";
const DJANGO: &str = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)";
const SALT: &str =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*()-_ []{}<>~`+=,.;:/?|";
const CRYPT: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What stands in a hole: the text, and the parts of it that must not be stored.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) needles: Vec<String>,
}

fn of(random: &mut Random, alphabet: &str, length: usize) -> String {
    let letters = alphabet.as_bytes();
    (0..length).map(|_| char::from(letters[random.below(letters.len())])).collect()
}

/// Begins with a letter and ends with a digit, as no sign around it may be taken for a part of it.
fn framed(random: &mut Random, alphabet: &str, length: usize) -> String {
    [of(random, LOWER, 1), of(random, alphabet, length - 2), of(random, "23456789", 1)].concat()
}

fn password(random: &mut Random) -> String {
    match random.below(6) {
        0 => framed(random, SYMBOLS, 16),
        1 => framed(random, SYMBOLS, 12),
        2 => framed(random, WEB, 16),
        3 => framed(random, ALNUM, 20),
        4 => framed(random, ALNUM, 14),
        _ => [framed(random, ALNUM, 9), "$\"".to_owned(), framed(random, ALNUM, 7)].concat(),
    }
}

fn plain_password(random: &mut Random) -> String {
    match random.below(4) {
        0 => framed(random, PLAIN, 16),
        1 => framed(random, WEB, 16),
        2 => framed(random, ALNUM, 20),
        _ => framed(random, ALNUM, 13),
    }
}

fn token(random: &mut Random) -> String {
    match random.below(4) {
        0 => of(random, HEX, 40),
        1 => framed(random, WEB, 32),
        2 => of(random, ALNUM, 32),
        _ => of(random, BASE64, 43) + "=",
    }
}

fn plain_token(random: &mut Random) -> String {
    match random.below(3) {
        0 => of(random, HEX, 40),
        1 => framed(random, WEB, 32),
        _ => of(random, ALNUM, 32),
    }
}

fn uuid(random: &mut Random) -> String {
    [8, 4, 4, 4, 12].map(|length| of(random, HEX, length)).join("-")
}

fn lines(random: &mut Random, count: usize, width: usize) -> String {
    (0..count).map(|_| of(random, BASE64, width) + "\n").collect()
}

/// `base64_44` is so many characters of an alphabet.
fn sized(random: &mut Random, kind: &str) -> Option<String> {
    let digits =
        kind.find(|c: char| c.is_ascii_digit() && !kind.starts_with("b64_") && !kind.starts_with("b32_"));
    let (name, length) =
        match kind.strip_prefix("b64_").map(|n| ("b64", n)).or(kind.strip_prefix("b32_").map(|n| ("b32", n)))
        {
            Some(found) => found,
            None => kind.split_at(digits?),
        };
    let length: usize = length.parse().ok()?;
    Some(match name {
        "hex" => of(random, HEX, length),
        "HEX" => of(random, "0123456789ABCDEF", length),
        "UP" => of(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length),
        "alnum" => framed(random, ALNUM, length),
        "url" => framed(random, WEB, length),
        "low" => framed(random, "abcdefghijklmnopqrstuvwxyz0123456789", length),
        "letters" => of(random, "bcdfghjklmnpqrstvwxz", length),
        "apr" | "bcrypt" | "crypt" => of(random, CRYPT, length),
        "b64" if length.is_multiple_of(4) && length < 100 => of(random, BASE64, length - 1) + "=",
        "b64" => of(random, BASE64, length),
        "b32" => of(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length),
        _ => return None,
    })
}

fn value(random: &mut Random, kind: &str) -> String {
    match kind {
        "pw" | "pwcsv" => password(random).replace('"', if kind == "pw" { "\"" } else { "x" }),
        "pwc" | "pwm" => {
            framed(random, "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!%^&+-", 16)
        }
        "pwq" => [framed(random, ALNUM, 8), " '".to_owned(), framed(random, ALNUM, 6)].concat(),
        "pws" => plain_password(random),
        "pwurl" => [framed(random, ALNUM, 6), "#!$".to_owned(), framed(random, ALNUM, 6)].concat(),
        "tok" => token(random),
        "toks" => plain_token(random),
        "uuid" => uuid(random),
        "akia" => ["AK", "IA", &of(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)].concat(),
        "ghp" => ["gh", "p_", &of(random, ALNUM, 36)].concat(),
        "ghs" => ["gh", "s_", &of(random, ALNUM, 36)].concat(),
        "google" => ["AI", "za", &of(random, WEB, 35)].concat(),
        "telegram" => ["7", &of(random, DIGITS, 9), ":A", "A", &of(random, WEB, 33)].concat(),
        "age" => ["AGE-SECRET", "-KEY-1", &of(random, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)].concat(),
        "jwt" => {
            ["ey", "J", &of(random, WEB, 33), ".ey", "J", &of(random, WEB, 60), ".", &of(random, WEB, 43)]
                .concat()
        }
        "apple" => [4, 4, 4, 4].map(|length| of(random, LOWER, length)).join("-"),
        "rcode" => [5, 5].map(|length| of(random, "abcdefghjkmnpqrstuvwxyz23456789", length)).join("-"),
        "human" => {
            let words = ["Winter", "Tiger", "Berlin", "Coffee", "Summer", "Falcon"];
            let word = words[random.below(words.len())];
            format!("{word}{}!{}", of(random, DIGITS, 4), of(random, LOWER, 3))
        }
        "wg" => of(random, BASE64, 42) + &of(random, "AEIMQUYcgkosw048", 1) + "=",
        "django" => of(random, DJANGO, 49) + "7",
        "wpsalt" => framed(random, SALT, 64),
        "userpass_b64" => base64(format!("ada:{}", plain_password(random)).as_bytes()),
        "env" => format!("USER=ada\nDB_PASSWORD={}\nPORT=8080\n", framed(random, ALNUM, 24)),
        "dockercfg" => format!(
            "{{\"auths\":{{\"r.example.org\":{{\"auth\":\"{}\"}}}}}}",
            base64(format!("ada:{}", framed(random, ALNUM, 24)).as_bytes())
        ),
        "wrapped" => of(random, ALNUM, 26) + "\n" + &of(random, ALNUM, 26),
        "colonhex" => (0..3)
            .map(|_| "    ".to_owned() + &(0..11).map(|_| of(random, HEX, 2)).collect::<Vec<_>>().join(":"))
            .collect::<Vec<_>>()
            .join(":\n"),
        "pem" => {
            let kind = ["RSA ", "", "EC ", "OPENSSH "][random.below(4)];
            format!(
                "-----BEGIN {kind}PRIVATE KEY-----\n{}-----END {kind}PRIVATE KEY-----",
                lines(random, 9, 64)
            )
        }
        "sshbody" => ["b3BlbnNzaC1rZXktdjE", &of(random, BASE64, 51), "\n", &lines(random, 5, 70)].concat(),
        "derbody" => {
            ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", &of(random, BASE64, 32), "\n", &lines(random, 5, 64)]
                .concat()
        }
        "pemenc" => format!(
            "-----BEGIN RSA {0}-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{1}\n\n{2}-----END RSA {0}-----",
            "PRIVATE KEY",
            of(random, "0123456789ABCDEF", 32),
            lines(random, 9, 64)
        ),
        "pgp" => format!(
            "-----BEGIN PGP {0}-----\n\n{1}={2}\n-----END PGP {0}-----",
            "PRIVATE KEY BLOCK",
            lines(random, 9, 64),
            of(random, BASE64, 4)
        ),
        _ => sized(random, kind).unwrap_or_else(|| panic!("no values of the kind {kind:?}")),
    }
}

/// Fills a hole such as `pw|json`; what begins with `fill` is no secret.
pub(crate) fn fill(random: &mut Random, hole: &str) -> Written {
    let mut parts = hole.split('|');
    let kind = parts.next().unwrap_or_default();
    let transforms: Vec<&str> = parts.collect();
    if let Some(kind) = kind.strip_prefix("fill") {
        return Written { text: value(random, kind), needles: Vec::new() };
    }
    let secret = value(random, kind);
    if kind == "env" {
        return env(&secret, transforms.first().copied().unwrap_or_default());
    }
    let text = transforms.iter().fold(secret, |text, transform| written(&text, transform));
    let body = |line: &&str| {
        line.len() >= 6 && !line.contains("-----") && !line.contains("Proc-Type") && !line.contains("DEK-")
    };
    let is_key = |word: &str| word.len() >= 40;
    let needles = if transforms.contains(&"spaces") {
        text.split(' ').filter(|word| is_key(word)).map(str::to_owned).collect()
    } else if transforms.contains(&"phplines") {
        text.split(['"', '\n']).filter(|word| is_key(word)).map(str::to_owned).collect()
    } else if text.contains('\n') || text.contains("\\n") {
        text.split('\n').flat_map(|line| line.split("\\n")).filter(body).map(str::to_owned).collect()
    } else {
        vec![text.clone()]
    };
    Written { text, needles }
}

/// How a program or a language writes a value.
pub(crate) fn written(text: &str, transform: &str) -> String {
    let each_line = |prefix: &dyn Fn(usize) -> String| {
        let lines = text.split('\n').enumerate();
        lines.map(|(number, line)| prefix(number + 1) + line).collect::<Vec<_>>().join("\n")
    };
    match transform {
        "json" => {
            let json = serde_json::to_string(text).unwrap_or_default();
            json[1..json.len() - 1].to_owned()
        }
        "sq" => text.replace('\'', r"'\''"),
        "dq" => text.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$"),
        "py" => text.replace('\\', r"\\").replace('\'', r"\'"),
        "sqlq" | "yq" => text.replace('\'', "''"),
        "xml" => text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;"),
        "url" => text.bytes().fold(String::new(), |mut all, byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            let _written =
                if plain { write!(all, "{}", char::from(byte)) } else { write!(all, "%{byte:02X}") };
            all
        }),
        "u" => text.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        "hexesc" => text.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
        "b64" => base64(text.as_bytes()),
        "bsn" => text.replace('\n', "\\n"),
        "crlf" => text.replace('\n', "\r\n"),
        "indent4" => text.replace('\n', "\n    "),
        "catn" => each_line(&|number| format!("{number:6}\t")),
        "arrow" => each_line(&|number| format!("{number:6}→")),
        "phplines" => {
            let lines = text.split('\n').enumerate();
            let line = |(number, line): (usize, &str)| {
                format!("  [{number}]=>\n  string({}) \"{line}\n\"", line.len() + 1)
            };
            lines.map(line).collect::<Vec<_>>().join("\n")
        }
        "spaces" => text.replace('\n', " "),
        "plus" => each_line(&|_| "+".to_owned()),
        "gt" => each_line(&|_| "> ".to_owned()),
        "grepn" => each_line(&|number| format!("{number}:")),
        "head" => text.split('\n').take(6).collect::<Vec<_>>().join("\n"),
        "tail" => {
            let lines: Vec<&str> = text.split('\n').collect();
            lines[lines.len() - 6..].join("\n")
        }
        "jsonlines" => {
            serde_json::to_string_pretty(&text.split('\n').collect::<Vec<_>>()).unwrap_or_default()
        }
        "concat" => text.split('\n').map(|line| format!("    \"{line}\\n\"")).collect::<Vec<_>>().join("\n"),
        _ => panic!("no transform {transform:?}"),
    }
}

/// Makes a line of a table of a number and some bytes.
type Row<'a> = &'a dyn Fn(usize, &[u8]) -> (String, String);

/// A file of variables, encoded as a whole; the parts of the code that hold the value must go.
fn env(file: &str, transform: &str) -> Written {
    let from = file.find("PASSWORD=").unwrap_or(0) + 9;
    let to = file.rfind("\nPORT").unwrap_or(file.len());
    let bytes = file.as_bytes();
    let wrap = |text: &str| {
        let rows: Vec<&str> =
            text.as_bytes().chunks(40).filter_map(|row| std::str::from_utf8(row).ok()).collect();
        rows.join("\n")
    };
    let rows = |row: Row<'_>| {
        let mut all = Written { text: String::new(), needles: Vec::new() };
        for (number, part) in bytes.chunks(16).enumerate() {
            let (line, needle) = row(number * 16, part);
            let has = number * 16 < to - 8 && number * 16 + 16 > from + 8;
            all.needles.extend(has.then_some(needle));
            let _written = writeln!(all.text, "{line}");
        }
        all
    };
    let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    let shown = |part: &[u8]| {
        part.iter()
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
            .collect::<String>()
    };
    match transform {
        "b64" | "b64wrap" => {
            let text = base64(bytes);
            let needle = text[from.div_ceil(3) * 4..to / 3 * 4].to_owned();
            match transform {
                "b64" => Written { text, needles: vec![needle] },
                _ => {
                    let text = wrap(&text);
                    let needles =
                        text.lines().filter(|line| line.len() == 40).skip(1).map(str::to_owned).collect();
                    Written { text, needles }
                }
            }
        }
        "gzb64" | "gzb64wrap" => {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let packed = coder.write_all(bytes).and_then(|()| coder.finish()).unwrap_or_default();
            let text = base64(&packed);
            match transform {
                "gzb64" => Written { needles: vec![text.clone()], text },
                _ => {
                    let text = wrap(&text);
                    Written { needles: text.lines().take(2).map(str::to_owned).collect(), text }
                }
            }
        }
        "xxd" => rows(&|at, part| {
            let pairs: Vec<String> = part.chunks(2).map(|pair| hex(pair).concat()).collect();
            let code = pairs.join(" ");
            (format!("{at:08x}: {code:39}  {}", shown(part)), code)
        }),
        "hexdump" => rows(&|at, part| {
            let (one, two) = part.split_at(part.len().min(8));
            let code = format!("{}  {}", hex(one).join(" "), hex(two).join(" "));
            (format!("{at:08x}  {code:49} |{}|", shown(part)), code)
        }),
        "od" => rows(&|at, part| {
            let code: String = part
                .iter()
                .map(|byte| match byte {
                    b'\n' => "  \\n".to_owned(),
                    byte => format!("   {}", char::from(*byte)),
                })
                .collect();
            (format!("{at:07o}{code}"), code.trim().to_owned())
        }),
        "odx1" => rows(&|at, part| (format!("{at:07o} {}", hex(part).join(" ")), hex(part).join(" "))),
        "odx1an" => rows(&|_, part| (format!(" {}", hex(part).join(" ")), hex(part).join(" "))),
        "odx1z" => rows(&|at, part| {
            let code = hex(part).join(" ");
            (format!("{at:06x} {code:47}  >{}<", shown(part)), code)
        }),
        "hexwords" => rows(&|at, part| {
            let word = |pair: &[u8]| hex(&pair.iter().rev().copied().collect::<Vec<u8>>()).concat();
            let code = part.chunks(2).map(word).collect::<Vec<_>>().join(" ");
            (format!("{at:07x} {code}"), code)
        }),
        "xxdi" => rows(&|_, part| {
            let code = part.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(", ");
            (format!("  {code},"), code)
        }),
        "hexescaped" => {
            let escaped = |part: &[u8]| part.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
            Written { text: escaped(&bytes[from - 12..to]), needles: vec![escaped(&bytes[from..to])] }
        }
        "hexplain" => {
            let text = hex(bytes).concat();
            let needles = vec![text[from * 2..to * 2].to_owned()];
            let rows: Vec<&str> =
                text.as_bytes().chunks(600).filter_map(|row| std::str::from_utf8(row).ok()).collect();
            Written { text: rows.join("\n"), needles }
        }
        _ => panic!("no form {transform:?} of a file"),
    }
}
