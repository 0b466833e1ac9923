//! What the value of a variable has in it: the passwords of addresses, the token behind `Bearer`, the fields of JSON, the items of
//! a list. Each may turn up alone.

use serde_json::Value;

use super::views;

/// How deep values are taken apart.
const DEPTH: usize = 4;

/// The most parts of one value.
const MOST: usize = 200;

/// Words that stand before the token in a header.
const SCHEMES: [&str; 10] =
    ["bearer", "basic", "token", "apikey", "api-key", "key", "digest", "negotiate", "dpop", "bot"];

/// A part of a value.
pub(super) struct Part {
    /// The name that it has there, or that of the variable.
    pub(super) name: String,
    pub(super) value: String,
    /// Whether it is the password of an address.
    pub(super) is_password: bool,
}

/// Takes a value apart, as deep as it goes; the value itself is not among its parts.
pub(super) fn parts(name: &str, value: &str) -> Vec<Part> {
    let mut all = Vec::new();
    take_apart(name, value, DEPTH, &mut all);
    all.truncate(MOST);
    all
}

fn take_apart(name: &str, value: &str, depth: usize, all: &mut Vec<Part>) {
    if depth == 0 || all.len() > MOST {
        return;
    }
    let mut add = |name: &str, part: &str, is_password: bool| {
        let part = part.trim();
        if !part.is_empty() && part != value {
            all.push(Part { name: name.to_owned(), value: part.to_owned(), is_password });
            take_apart(name, part, depth - 1, all);
        }
    };
    let value = value.trim();
    if let Some(inside) = unquoted(value) {
        return add(name, inside, false);
    }
    if value.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<Value>(value)
    {
        return of_json(name, &json, &mut add);
    }
    if let Some((scheme, rest)) = value.split_once([' ', '\t'])
        && SCHEMES.iter().any(|one| scheme.eq_ignore_ascii_case(one))
    {
        return add("token", rest, false);
    }
    let items: Vec<&str> =
        value.split([' ', '\t', '\n', '\r', ',', ';']).filter(|item| !item.is_empty()).collect();
    if let [one] = items[..] {
        match one.split_once("://") {
            Some((_, rest)) => of_address(name, rest, &mut add),
            None => of_item(name, one, &mut add),
        }
        return;
    }
    // Headers have blanks in their values.
    for line in value.lines() {
        if let Some((name, value)) = line.split_once(": ") {
            add(name, value, false);
        }
    }
    items.iter().for_each(|item| add(name, item, false));
}

fn unquoted(value: &str) -> Option<&str> {
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\''))
}

fn of_json(name: &str, json: &Value, add: &mut impl FnMut(&str, &str, bool)) {
    match json {
        Value::String(text) => add(name, text, false),
        Value::Array(items) => items.iter().for_each(|item| of_json(name, item, add)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| of_json(name, field, add)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The user, the password and the parameters of an address, from behind its scheme; also as they are without percent signs.
fn of_address(name: &str, rest: &str, add: &mut impl FnMut(&str, &str, bool)) {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if let Some((user, _)) = place.rsplit_once('@') {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        for (part, is_password) in [(user, false), (password, true)] {
            if !part.contains('/') {
                add(name, part, is_password);
                add(name, &without_percent(part), is_password);
            }
        }
    }
    for (name, value) in query.split(['&', '#']).filter_map(|one| one.split_once('=')) {
        add(name, value, false);
        add(name, &without_percent(value), false);
    }
}

/// `name=value`, or `user:password` where all of it is a secret.
fn of_item(name: &str, item: &str, add: &mut impl FnMut(&str, &str, bool)) {
    if let Some((name, value)) = item.split_once('=') {
        add(name, value, false);
    } else if super::is_secret_name(name)
        && let Some((user, password)) = item.split_once(':')
        && !user.is_empty()
    {
        add(name, password, false);
    }
}

fn without_percent(text: &str) -> String {
    let decoded = views::unpercented(text.as_bytes()).and_then(|view| String::from_utf8(view.bytes).ok());
    decoded.unwrap_or_else(|| text.to_owned())
}
