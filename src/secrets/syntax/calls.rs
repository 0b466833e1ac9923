//! Calls of functions with a secret in a fixed place: connections to databases, logins, signatures.

use super::{OnFound, run, str_of};
use crate::secrets::judge::{self, Closeness};
use crate::secrets::names::NameMeaning;

/// How a call begins, and which of its arguments is the secret, from 0.
pub(in crate::secrets) const CALLS: [(&str, usize); 17] = [
    ("mysqli_connect(", 2),
    ("mysql_connect(", 2),
    ("new mysqli(", 2),
    ("getConnection(", 2),
    ("new PDO(", 2),
    ("create_superuser(", 2),
    ("create_user(", 2),
    ("auth=(", 1),
    ("HTTPBasicAuth(", 1),
    ("SetBasicAuth(", 1),
    ("basic_auth(", 1),
    ("basicAuth(", 1),
    ("crypt(", 0),
    ("jwt.sign(", 1),
    ("jwt.verify(", 1),
    ("jwt.encode(", 1),
    ("createHmac(", 1),
];

/// How far a call is read.
const LONGEST: usize = 400;

/// Reads a call whose arguments begin at a place.
pub(in crate::secrets) fn read(text: &[u8], mut at: usize, wanted: usize, found: &mut OnFound<'_>) {
    let end = text.len().min(at + LONGEST);
    for index in 0..=wanted {
        at += run(text, at, 80, |byte| byte.is_ascii_whitespace());
        let literal = super::assigned::literal(text, at);
        if index == wanted {
            let Some(span) = literal else { return };
            if judge::is_secret_under(
                NameMeaning::Password,
                "password",
                str_of(text, span.clone()),
                Closeness::Firm,
            ) {
                found(span, "");
            }
            return;
        }
        at = literal.map_or(at, |inside| inside.end + 1);
        at += run(text, at, end.saturating_sub(at), |byte| !b",)".contains(&byte));
        if text.get(at) != Some(&b',') {
            return;
        }
        at += 1;
    }
}
