//! What the words of source code are: comments, strings, keywords. Owns `syntect` and `two-face`.
//!
//! A grammar is read when it is first needed, and only the parts that a text uses. The caller must be able
//! to continue without an answer, because a grammar can take long over a line that was written to slow it
//! down.

use std::ops::Range;
use std::sync::OnceLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::theme::Class;

/// Longer lines keep their plain colour: nobody reads them, and a grammar may take long over them.
const LONGEST: usize = 1 << 10;

/// A stretch of a line, and what it is.
pub(super) type ClassedRange = (Range<usize>, Class);

/// What the names in grammars mean. The first that fits counts. `None` ends the meaning around it.
const MEANINGS: [(&str, Option<Class>); 41] = [
    ("comment", Some(Class::Comment)),
    ("meta.interpolation", None),
    ("meta.template.expression", None),
    ("constant.character.escape", Some(Class::Constant)),
    ("constant.other.placeholder", Some(Class::Constant)),
    ("string.unquoted.plain.out", None),
    ("string.unquoted.block", None),
    ("string", Some(Class::String)),
    ("constant", Some(Class::Constant)),
    ("keyword.operator.logical.python", Some(Class::Keyword)),
    ("keyword.operator", None),
    ("keyword", Some(Class::Keyword)),
    ("storage.type.numeric", Some(Class::Constant)),
    ("storage", Some(Class::Keyword)),
    ("variable.language", Some(Class::Keyword)),
    ("variable.function", Some(Class::Function)),
    ("variable.annotation", Some(Class::Function)),
    ("entity.name.function", Some(Class::Function)),
    ("entity.name.macro", Some(Class::Function)),
    ("support.function", Some(Class::Function)),
    ("support.macro", Some(Class::Function)),
    ("entity.name.tag", Some(Class::Name)),
    ("entity.other.attribute-name", Some(Class::Type)),
    ("entity.other.inherited-class", Some(Class::Type)),
    ("entity.name.section", Some(Class::Type)),
    ("entity.name.label", Some(Class::Name)),
    ("entity.name", Some(Class::Type)),
    ("support.type.property-name", Some(Class::Name)),
    ("support.constant", Some(Class::Constant)),
    ("support.type", Some(Class::Type)),
    ("support.class", Some(Class::Type)),
    ("support.module", Some(Class::Type)),
    ("variable.other.constant", Some(Class::Constant)),
    ("variable.other.member", None),
    ("variable.parameter.option", Some(Class::Constant)),
    ("markup.heading", Some(Class::Keyword)),
    ("markup.raw", Some(Class::String)),
    ("markup.underline.link", Some(Class::Constant)),
    ("markup.list", None),
    ("markup.quote", Some(Class::Comment)),
    ("punctuation.definition.heading", Some(Class::Keyword)),
];

fn grammars() -> &'static SyntaxSet {
    static SET: OnceLock<SyntaxSet> = OnceLock::new();
    SET.get_or_init(two_face::syntax::extra_newlines)
}

fn meanings() -> &'static [(Scope, Option<Class>)] {
    static SCOPES: OnceLock<Vec<(Scope, Option<Class>)>> = OnceLock::new();
    SCOPES.get_or_init(|| {
        let known = |(name, class): &(&str, Option<Class>)| Some((Scope::new(name).ok()?, *class));
        MEANINGS.iter().filter_map(known).collect()
    })
}

/// Reads the list of grammars, so that the first text need not wait for it.
pub fn prepare() {
    grammars();
    meanings();
}

/// The grammar of one file.
#[derive(Clone, Copy)]
pub(super) struct Grammar(&'static SyntaxReference);

impl Grammar {
    /// Finds that of a file by its name; `None` if nothing is known of such files.
    pub(super) fn of(name: &[u8]) -> Option<Grammar> {
        let name = std::str::from_utf8(name).ok()?;
        let last = name.rsplit('/').next().unwrap_or(name);
        // Files of templates and examples are named after what they are for.
        let last = last.strip_suffix(".in").or(last.strip_suffix(".example")).unwrap_or(last);
        let end = last.rsplit_once('.').map(|(_, end)| end);
        let set = grammars();
        let found = set
            .find_syntax_by_extension(last)
            .or_else(|| end.and_then(|end| set.find_syntax_by_extension(end)))
            .filter(|found| found.name != "Plain Text")?;
        Some(Grammar(found))
    }

    /// Finds that of a language by its name or the end of its files' names.
    pub(super) fn named(word: &str) -> Option<Grammar> {
        let found = grammars().find_syntax_by_token(word).filter(|_| !word.is_empty());
        found.filter(|found| found.name != "Plain Text").map(Grammar)
    }
}

/// Where in a text a reader is.
#[derive(Clone)]
pub(super) struct Reader {
    state: ParseState,
    stack: ScopeStack,
}

impl PartialEq for Reader {
    fn eq(&self, other: &Reader) -> bool {
        self.state == other.state && self.stack == other.stack
    }
}

impl Reader {
    /// Starts at the beginning of a file, or of a hunk: nothing is known of what is above.
    pub(super) fn new(grammar: Grammar) -> Reader {
        Reader { state: ParseState::new(grammar.0), stack: ScopeStack::new() }
    }

    /// Reads a line with its end; returns what is in it, in order.
    pub(super) fn line(&mut self, line: &[u8]) -> Vec<ClassedRange> {
        let Some(text) = std::str::from_utf8(line).ok().filter(|text| text.len() <= LONGEST) else {
            return Vec::new();
        };
        let Ok(changes) = self.state.parse_line(text, grammars()) else { return Vec::new() };
        let mut marked: Vec<ClassedRange> = Vec::new();
        let (mut from, end) = (0, text.trim_end_matches(['\r', '\n']).len());
        for (at, change) in &changes {
            self.mark(from..(*at).min(end), &mut marked);
            from = *at;
            if self.stack.apply(change).is_err() {
                return Vec::new();
            }
        }
        self.mark(from..end, &mut marked);
        marked
    }

    fn mark(&self, stretch: Range<usize>, marked: &mut Vec<ClassedRange>) {
        if stretch.start >= stretch.end {
            return;
        }
        let meaning = self.stack.as_slice().iter().rev().find_map(|scope| {
            meanings().iter().find(|(known, _)| known.is_prefix_of(*scope)).map(|(_, class)| *class)
        });
        let Some(class) = meaning.flatten() else { return };
        match marked.last_mut() {
            Some((before, same)) if *same == class && before.end == stretch.start => before.end = stretch.end,
            _ => marked.push((stretch, class)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, text: &str) -> Vec<(String, Class)> {
        let mut reader = Reader::new(Grammar::of(name.as_bytes()).expect("a grammar"));
        let mut all = Vec::new();
        for line in text.split_inclusive('\n') {
            all.extend(
                reader.line(line.as_bytes()).into_iter().map(|(at, class)| (line[at].to_owned(), class)),
            );
        }
        all
    }

    #[test]
    fn words_of_usual_languages_are_told_apart() {
        for (name, text, word, class) in [
            ("a.rs", "fn total() -> u64 { // sum\n", "fn", Class::Keyword),
            ("a.rs", "fn total() -> u64 { // sum\n", "total", Class::Function),
            ("a.rs", "fn total() -> u64 { // sum\n", "// sum", Class::Comment),
            ("src/a.py", "def f(x):\n    return \"text\"\n", "return", Class::Keyword),
            ("src/a.py", "def f(x):\n    return \"text\"\n", "\"text\"", Class::String),
            ("a.ts", "const a: number = 12;\n", "12", Class::Constant),
            ("a.go", "func main() { return }\n", "return", Class::Keyword),
            ("a.toml", "name = \"x\" # why\n", "# why", Class::Comment),
            ("Makefile", "# why\n", "# why", Class::Comment),
            ("a.sh", "# why\n", "# why", Class::Comment),
            ("a.c", "/* one\n   two */ int x;\n", "   two */", Class::Comment),
        ] {
            let all = shown(name, text);
            assert!(all.contains(&(word.to_owned(), class)), "{name}: {word} is not in {all:?}");
        }
        for name in [&b"a.unheard-of"[..], b"", b"a.txt", b"\xff.rs"] {
            assert!(Grammar::of(name).is_none());
        }
    }
}
