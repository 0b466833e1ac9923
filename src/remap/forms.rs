//! Every way in which a path is spelled in a transcript, as literal patterns to search for.
//!
//! A pair of paths is first written as texts (plain, `C:\…`, `file://…`, `~/…`), old and new in the
//! same style; each text is then escaped as JSON does at each level of nesting, again old and new
//! alike. Invariant: replacing a pattern's `old` by its `new` keeps a valid record valid. Left out:
//! decomposed Unicode (NFD), `~user`, and paths broken by line wrapping; a session that used such a
//! spelling needs it as a root of its own.

use std::collections::HashSet;

use crate::remap::map::{Pair, PairKind, PathMap};
use crate::remap::path_boundaries::{Boundary, MAX_LEVEL};
use crate::remap::root::{ENCODINGS, Root, for_shell};

/// How a mention of a path was spelled. Escapes for the surrounding JSON string count only where
/// they are a choice: `EscapedSlash` and `EscapedUnicode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `/home/u/app`, also `C:/app`
    Plain,
    /// `C:\app`, `\\server\share\app`
    Backslash,
    /// `/mnt/c/app` and `/c/app` for `C:\app`
    UnixDrive,
    /// `~/app`, `$HOME/app`, `%USERPROFILE%\app`
    HomeRelative,
    /// `file:///home/u/my%20app`
    FileUri,
    /// `%2Fhome%2Fu%2Fapp`, `/home/u/my%20app`
    PercentEncoded,
    /// `/home/u/my\ app`
    ShellEscaped,
    /// `\/home\/u\/app`
    EscapedSlash,
    /// `/home/u/\u00fcber`
    EscapedUnicode,
    /// `-home-u-app`
    Slug,
    /// The session id.
    SessionId,
}

impl Form {
    /// All forms, in the order in which reports name them.
    pub const ALL: [Self; 11] = [
        Self::Plain,
        Self::Backslash,
        Self::UnixDrive,
        Self::HomeRelative,
        Self::FileUri,
        Self::PercentEncoded,
        Self::ShellEscaped,
        Self::EscapedSlash,
        Self::EscapedUnicode,
        Self::Slug,
        Self::SessionId,
    ];
}

/// One literal to look for, and what stands there afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) form: Form,
    pub(crate) edge: Boundary,
    pub(crate) old: Vec<u8>,
    /// A single spelling, or one for each level of nesting where `old` doesn't tell the level.
    pub(crate) new: Vec<Vec<u8>>,
    /// Backslashes between the components of `old`; 0 where slashes separate them.
    pub(crate) separator: usize,
    /// The rest of a matched path changes from backslashes to slashes.
    pub(crate) turns_slashes: bool,
    /// Only possible outside JSON.
    pub(crate) text_only: bool,
}

impl Pattern {
    /// Whether it only keeps other patterns from matching.
    pub(crate) fn stays(&self) -> bool {
        self.new.iter().all(|new| *new == self.old)
    }
}

/// All patterns of a map, each literal once: exact spellings before those of assumed aliases.
pub(crate) fn patterns(map: &PathMap) -> Vec<Pattern> {
    let homes = map.home().and_then(|(old, new)| Some((Root::parse(old)?, Root::parse(new)?)));
    let mut all = Vec::new();
    let mut aliased = Vec::new();
    for pair in map.pairs() {
        match pair.kind {
            PairKind::Slug => all.push(name_pattern(pair, Form::Slug, Boundary::Slug)),
            PairKind::Session => all.push(name_pattern(pair, Form::SessionId, Boundary::Id)),
            PairKind::User | PairKind::Root | PairKind::Project | PairKind::Guard => {
                let (Some(old), Some(new)) = (Root::parse(&pair.old), Root::parse(&pair.new)) else {
                    continue;
                };
                let spell = |old: &Root, all: &mut Vec<Pattern>| {
                    let mut texts = texts(old, &new, homes.as_ref());
                    if pair.kind == PairKind::Guard {
                        texts.iter_mut().for_each(PathSpelling::stay);
                    }
                    all.extend(texts.iter().flat_map(PathSpelling::patterns));
                };
                spell(&old, &mut all);
                old.aliases().iter().for_each(|alias| spell(alias, &mut aliased));
            }
        }
    }
    all.append(&mut aliased);
    let mut seen = HashSet::new();
    all.retain(|pattern| seen.insert(pattern.old.clone()));
    all
}

fn name_pattern(pair: &Pair, form: Form, edge: Boundary) -> Pattern {
    Pattern {
        form,
        edge,
        old: pair.old.clone().into_bytes(),
        new: vec![pair.new.clone().into_bytes()],
        separator: 0,
        turns_slashes: false,
        text_only: false,
    }
}

/// One style of writing a pair, before any escaping by JSON.
struct PathSpelling {
    form: Form,
    old: String,
    new: String,
    /// Backslashes separate the components of `old`.
    backslash: bool,
    turns_slashes: bool,
}

impl PathSpelling {
    fn new(form: Form, old: String, new: String) -> Self {
        Self { form, old, new, backslash: false, turns_slashes: false }
    }

    fn windows(form: Form, old: String, new: String, turns_slashes: bool) -> Self {
        Self { form, old, new, backslash: true, turns_slashes }
    }

    fn stay(&mut self) {
        self.new.clone_from(&self.old);
        self.turns_slashes = false;
    }

    /// Its spellings in JSON: each choice of escapes, at each level that can be told by them.
    fn patterns(&self) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for (form, escapes) in self.escapes() {
            let levels = if needs_level(&self.old) { 0..=MAX_LEVEL } else { 0..=0 };
            for level in levels {
                let new = if needs_level(&self.old) || !needs_level(&self.new) {
                    vec![escapes.apply(&self.new, level)]
                } else {
                    (0..=MAX_LEVEL).map(|level| escapes.apply(&self.new, level)).collect()
                };
                patterns.push(Pattern {
                    form,
                    edge: Boundary::Path,
                    old: escapes.apply(&self.old, level),
                    new,
                    separator: if self.backslash { 1 << level } else { 0 },
                    turns_slashes: self.turns_slashes,
                    text_only: level == 0 && needs_level(&self.old),
                });
            }
        }
        patterns
    }

    /// The optional escapes that writers of JSON are known to use, once or several times over.
    fn escapes(&self) -> Vec<(Form, Escapes)> {
        let mut all = vec![(self.form, Escapes::default())];
        let slashes = self.old.contains('/');
        if slashes {
            // 1, 2 and 4 are the levels; 3 is a writer that escapes an escaped slash again.
            all.extend((1..=4).map(|slash| (Form::EscapedSlash, Escapes { slash, ..Escapes::default() })));
        }
        if !self.old.is_ascii() {
            for (unicode, upper) in [1, 2, 4].into_iter().flat_map(|run| [(run, false), (run, true)]) {
                all.push((Form::EscapedUnicode, Escapes { slash: 0, unicode, upper }));
                if slashes {
                    all.push((Form::EscapedUnicode, Escapes { slash: unicode, unicode, upper }));
                }
            }
        }
        all
    }
}

/// Whether JSON has to escape a text, so that its spelling depends on the level of nesting.
fn needs_level(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
}

/// What follows the backslash in a control character's escape.
fn control(character: char) -> String {
    match character {
        '\u{8}' => "b".to_owned(),
        '\t' => "t".to_owned(),
        '\n' => "n".to_owned(),
        '\u{c}' => "f".to_owned(),
        '\r' => "r".to_owned(),
        _ => format!("u{:04x}", u32::from(character)),
    }
}

/// Escapes that JSON allows but doesn't ask for: numbers of backslashes, 0 for none.
#[derive(Clone, Copy, Default)]
struct Escapes {
    slash: usize,
    unicode: usize,
    upper: bool,
}

impl Escapes {
    /// The text as it stands inside `level` JSON strings.
    fn apply(self, text: &str, level: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 8);
        let backslashes = |out: &mut Vec<u8>, run: usize| out.resize(out.len() + run, b'\\');
        let mut units = [0; 2];
        for character in text.chars() {
            match character {
                '/' => backslashes(&mut out, self.slash),
                '\\' => backslashes(&mut out, (1 << level) - 1),
                '"' => backslashes(&mut out, (1 << level) - 1),
                '\0'..'\u{20}' if level > 0 => {
                    backslashes(&mut out, 1 << (level - 1));
                    out.extend(control(character).bytes());
                    continue;
                }
                _ if !character.is_ascii() && self.unicode > 0 => {
                    for unit in character.encode_utf16(&mut units) {
                        backslashes(&mut out, self.unicode);
                        let digits = format!("{unit:04x}");
                        out.push(b'u');
                        out.extend(if self.upper { digits.to_uppercase() } else { digits }.bytes());
                    }
                    continue;
                }
                _ => {}
            }
            out.extend(character.encode_utf8(&mut [0; 4]).bytes());
        }
        out
    }
}

/// The styles in which a pair is written; a style in which both look plain is not repeated.
fn texts(old: &Root, new: &Root, homes: Option<&(Root, Root)>) -> Vec<PathSpelling> {
    let (old_path, new_path) = (old.slashed(), new.slashed());
    let mut all = vec![
        PathSpelling::new(Form::Plain, old_path.clone(), new_path.clone()),
        PathSpelling::new(Form::ShellEscaped, for_shell(&old_path), for_shell(&new_path)),
    ];
    for encoding in &ENCODINGS {
        let mut add = |form, old, new| all.push(PathSpelling::new(form, old, new));
        let encode = |text: &str| encoding.encode(text);
        add(Form::FileUri, old.uri(encoding), new.uri(encoding));
        let (from, to) = (encoding.encode_path(&old_path), encoding.encode_path(&new_path));
        add(Form::PercentEncoded, from, to);
        add(Form::PercentEncoded, encode(&old_path), encode(&new_path));
        let (from, to) = (encode(&format!("file://{old_path}")), format!("file://{new_path}"));
        add(Form::PercentEncoded, from, encode(&to));
        if old.is_windows() {
            add(Form::PercentEncoded, encode(&old.native()), encode(&new.native()));
        }
    }
    if old.is_windows() {
        let (from, to) = (old.native(), new.native());
        all.push(PathSpelling::windows(Form::Backslash, from, to, !new.is_windows()));
        all.extend(unix_drives(old, new));
    }
    if let Some((old_home, new_home)) = homes
        && let Some(parts) = old.below(old_home)
        && !parts.is_empty()
    {
        all.extend(home_relative(parts, new, new_home, old.is_windows()));
    }
    let plain = old_path;
    let mut first = true;
    all.retain(|text| text.old != plain || std::mem::take(&mut first));
    all
}

/// `/mnt/c/…` as WSL has it and `/c/…` as Git Bash has it.
fn unix_drives(old: &Root, new: &Root) -> Vec<PathSpelling> {
    let on = |mount: &str| {
        let to = new.mounted(mount).unwrap_or_else(|| new.slashed());
        Some(PathSpelling::new(Form::UnixDrive, old.mounted(mount)?, to))
    };
    ["/mnt/", "/"].into_iter().filter_map(on).collect()
}

/// The old root by its way from home; so is the new one, unless it lies elsewhere.
fn home_relative(old: &[String], new: &Root, new_home: &Root, windows: bool) -> Vec<PathSpelling> {
    let join = |home: &str, parts: &[String], separator: &str| {
        parts.iter().fold(home.to_owned(), |path, part| path + separator + part)
    };
    let mut all = Vec::new();
    for home in ["~", "$HOME", "${HOME}"] {
        let from = join(home, old, "/");
        let to = match new.below(new_home) {
            Some(parts) => join(home, parts, "/"),
            None => new.slashed(),
        };
        let shell = |text: &str| match text.strip_prefix(home) {
            Some(rest) => format!("{home}{}", for_shell(rest)),
            None => for_shell(text),
        };
        if shell(&from) != from {
            all.push(PathSpelling::new(Form::HomeRelative, shell(&from), shell(&to)));
        }
        all.push(PathSpelling::new(Form::HomeRelative, from, to));
    }
    for home in ["~", "%USERPROFILE%", "$env:USERPROFILE"].into_iter().filter(|_| windows) {
        let to = match new.below(new_home) {
            Some(parts) if new.is_windows() => join(home, parts, "\\"),
            Some(parts) => join("~", parts, "/"),
            None => new.native(),
        };
        let from = join(home, old, "\\");
        all.push(PathSpelling::windows(Form::HomeRelative, from, to, !new.is_windows()));
    }
    all
}
