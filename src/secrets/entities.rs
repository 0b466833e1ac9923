//! The entities of XML and HTML: by number, and the names of ASCII and Latin-1.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Names of signs.
const SIGNS: [(&str, char); 42] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// Names of the characters from U+00A0 on.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 \
acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil \
Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc \
Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml \
eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

fn named() -> &'static HashMap<&'static str, char> {
    static NAMED: OnceLock<HashMap<&'static str, char>> = OnceLock::new();
    NAMED.get_or_init(|| LATIN.split(' ').zip('\u{a0}'..).chain(SIGNS).collect())
}

/// Reads the entity behind an `&`; returns what it stands for, and where it ends.
pub(super) fn read(text: &[u8], at: usize) -> Option<(char, usize)> {
    let rest = text.get(at..)?;
    let length = rest.iter().take(10).position(|byte| *byte == b';')?;
    let body = std::str::from_utf8(&rest[..length]).ok()?;
    let one = match body.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => *named().get(body)?,
    };
    Some((one, at + length + 1))
}

/// Decodes all entities of a text.
pub fn without_entities(text: &str) -> String {
    let (mut all, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        all += &rest[..at];
        let (one, end) = read(rest.as_bytes(), at + 1).unwrap_or(('&', at + 1));
        all.push(one);
        rest = &rest[end..];
    }
    all + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_read_by_name_and_by_number() {
        let text = "a&amp;b &#x27;&#X27;&#39;&apos; &eacute;&#233;&yuml; &sol; &nothing; & &#1114112; &amp";
        assert_eq!(without_entities(text), "a&b '''' \u{e9}\u{e9}\u{ff} / &nothing; & &#1114112; &amp");
    }
}
