//! Secrets of every kind in every context, made from a fixed seed. Token shapes are put together
//! here, at run time: nothing that looks like a token stands in any file.

use std::fmt::Write as _;

/// A small generator of numbers, the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % limit
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const HEX: &str = "0123456789abcdef";
const DIGITS: &str = "0123456789";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const WEB: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PASSWORD: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%^*&+-";

/// How a kind of secret is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// By a vendor's rule.
    Vendor,
    /// Because its value is known.
    Known,
    /// By its name and its look.
    Named,
}

/// A secret, and how it stands in a text.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub(crate) kind: &'static str,
    pub(crate) layer: Layer,
    pub(crate) context: &'static str,
    /// The secret itself.
    pub(crate) secret: String,
    /// The secret as it stands in the text.
    pub(crate) written: String,
    /// The text around it.
    pub(crate) text: String,
}

/// The name of a kind, how it is found, and how one is made.
type Kind = (&'static str, Layer, fn(&mut Random) -> String);

/// The name of a context, and what it makes of a secret: how that is written, and the whole text.
type Context = (&'static str, fn(&str) -> (String, String));

/// The kinds, each with how it is found and how one is made.
pub(crate) const KINDS: &[Kind] = &[
    ("anthropic", Layer::Vendor, |r| ["sk-", "ant-", "api03-", &r.of(WEB, 93), "AA"].concat()),
    ("openai project", Layer::Vendor, |r| ["sk-", "proj-", &r.of(WEB, 74)].concat()),
    ("openrouter", Layer::Vendor, |r| ["sk-", "or-v1-", &r.of(HEX, 64)].concat()),
    ("plain sk", Layer::Vendor, |r| ["sk", "-", &r.of(ALNUM, 48)].concat()),
    ("github classic", Layer::Vendor, |r| ["gh", "p_", &r.of(ALNUM, 36)].concat()),
    ("github app", Layer::Vendor, |r| ["gh", "s_", &r.of(ALNUM, 36)].concat()),
    ("github fine-grained", Layer::Vendor, |r| {
        ["github", "_pat_", &r.of(ALNUM, 22), "_", &r.of(ALNUM, 59)].concat()
    }),
    ("gitlab", Layer::Vendor, |r| ["gl", "pat-", &r.of(WEB, 20)].concat()),
    ("aws id", Layer::Vendor, |r| ["AK", "IA", &r.of(UPPER, 16)].concat()),
    ("google key", Layer::Vendor, |r| ["AI", "za", &r.of(WEB, 35)].concat()),
    ("google client", Layer::Vendor, |r| ["GOC", "SPX-", &r.of(WEB, 28)].concat()),
    ("slack bot", Layer::Vendor, |r| {
        ["xo", "xb-", &r.of(DIGITS, 12), "-", &r.of(DIGITS, 12), "-", &r.of(ALNUM, 24)].concat()
    }),
    ("stripe live", Layer::Vendor, |r| ["sk", "_live_", &r.of(ALNUM, 24)].concat()),
    ("npm", Layer::Vendor, |r| ["np", "m_", &r.of(ALNUM, 36)].concat()),
    ("pypi", Layer::Vendor, |r| ["py", "pi-AgEIcHlwaS5vcmc", &r.of(WEB, 70)].concat()),
    ("huggingface", Layer::Vendor, |r| ["h", "f_", &r.of(ALNUM, 34)].concat()),
    ("groq", Layer::Vendor, |r| ["gs", "k_", &r.of(ALNUM, 52)].concat()),
    ("docker", Layer::Vendor, |r| ["dckr", "_pat_", &r.of(WEB, 27)].concat()),
    ("digitalocean", Layer::Vendor, |r| ["do", "p_v1_", &r.of(HEX, 64)].concat()),
    ("databricks", Layer::Vendor, |r| ["da", "pi", &r.of(HEX, 32)].concat()),
    ("sendgrid", Layer::Vendor, |r| ["S", "G.", &r.of(WEB, 22), ".", &r.of(WEB, 43)].concat()),
    ("telegram", Layer::Vendor, |r| ["7", &r.of(DIGITS, 9), ":A", "A", &r.of(WEB, 33)].concat()),
    ("linear", Layer::Vendor, |r| ["lin", "_api_", &r.of(ALNUM, 40)].concat()),
    ("vault", Layer::Vendor, |r| ["hv", "s.", &r.of(WEB, 90)].concat()),
    ("age", Layer::Vendor, |r| {
        ["AGE-SECRET", "-KEY-1", &r.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)].concat()
    }),
    ("jwt", Layer::Vendor, |r| {
        ["ey", "J", &r.of(WEB, 33), ".ey", "J", &r.of(WEB, 60), ".", &r.of(WEB, 43)].concat()
    }),
    ("twilio", Layer::Vendor, |r| ["S", "K", &r.of(HEX, 32)].concat()),
    ("supabase", Layer::Vendor, |r| ["sb", "p_", &r.of(HEX, 40)].concat()),
    ("private key", Layer::Vendor, |r| {
        let mut key = format!("-----BEGIN {}PRIVATE KEY-----\n", "OPENSSH ");
        for _ in 0..5 {
            key += &format!("{}\n", r.of(BASE64, 64));
        }
        key + "-----END OPENSSH PRIVATE KEY-----"
    }),
    ("password", Layer::Known, |r| [&r.of(PASSWORD, 14), "7", &r.of(LOWER, 1), "Q"].concat()),
    ("connection string", Layer::Known, |r| {
        ["postgres", "://app:", &r.of(ALNUM, 18), "9@db.internal:5432/app"].concat()
    }),
    ("odd password", Layer::Known, |r| [&r.of(PASSWORD, 9), "\"/\\$ '4z", &r.of(ALNUM, 6)].concat()),
    ("passphrase", Layer::Known, |r| r.of(LOWER, 24)),
    ("internal token", Layer::Named, |r| [&r.of(ALNUM, 20), "4", &r.of(ALNUM, 16), "7"].concat()),
    ("hex key", Layer::Named, |r| [&r.of(HEX, 30), "7f"].concat()),
];

/// The ways in which a text holds a secret.
pub(crate) const CONTEXTS: &[Context] = &[
    ("plain", |s| (s.to_owned(), format!("use {s} for now"))),
    ("assignment", |s| (s.to_owned(), format!("export MY_API_TOKEN={s}\n"))),
    ("quoted in code", |s| {
        let written = escaped(s);
        let text = format!("const apiKey = \"{written}\";\n");
        (written, text)
    }),
    ("after a line end", |s| (s.to_owned(), format!("the token:\n{s}\nthat was it"))),
    ("json in text", |s| {
        let written = escaped(s);
        let text = format!("{{\n  \"api_key\": \"{written}\",\n  \"n\": 1\n}}");
        (written, text)
    }),
    ("json twice", |s| {
        let written = escaped(&escaped(s));
        let text = format!("{{\"body\":\"{{\\\"api_key\\\":\\\"{written}\\\"}}\"}}");
        (written, text)
    }),
    ("diff", |s| {
        let written = s.replace('\n', "\n+");
        let text = format!("@@ -1,2 +1,2 @@\n context\n+API_KEY={written}\n");
        (written, text)
    }),
    ("header", |s| (s.to_owned(), format!("curl -H 'Authorization: Bearer {s}' https://api.example.org/v1"))),
    ("url", |s| {
        let written = percent(s);
        let text = format!("GET https://api.example.org/v1?limit=10&api_key={written}&page=2");
        (written, text)
    }),
    ("base64", |s| {
        let written = base64(format!("user:{s}").as_bytes());
        let text = format!("data:\n  token: {written}\n");
        (written, text)
    }),
    ("coloured", |s| {
        let (head, tail) = s.split_at(s.char_indices().nth(4).map_or(0, |(at, _)| at));
        let written = format!("{head}\u{1b}[m\u{1b}[K{tail}");
        let text = format!("config.py:3:API_KEY = \u{1b}[01;31m\u{1b}[K{written}\n");
        (written, text)
    }),
    ("yaml", |s| (s.to_owned(), format!("services:\n  api:\n    environment:\n      SECRET_TOKEN: {s}\n"))),
];

fn escaped(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    json[1..json.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let _written = if plain { write!(all, "{}", char::from(byte)) } else { write!(all, "%{byte:02X}") };
        all
    })
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    let letters = BASE64.as_bytes();
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for index in 0..4 {
            text.push(if index <= group.len() {
                char::from(letters[bits >> (18 - 6 * index) & 63])
            } else {
                '='
            });
        }
    }
    text
}

/// Plants `each` secrets of every kind in every context.
pub(crate) fn planted(each: usize) -> Vec<Planted> {
    let mut random = Random::new(7);
    let mut all = Vec::new();
    for (kind, layer, make) in KINDS {
        for (context, place) in CONTEXTS {
            for _ in 0..each {
                let secret = make(&mut random);
                let (written, text) = place(&secret);
                all.push(Planted { kind, layer: *layer, context, secret, written, text });
            }
        }
    }
    all
}
