//! A command line taken apart as a POSIX shell does: words, pipelines, redirections, and
//! the commands inside substitutions, subshells and here-documents.
//!
//! Pure, and never fails: what makes no sense to a shell gives whatever commands could be
//! read. Nothing is expanded; a word only says that it holds a pattern or a variable.

use std::ops::Range;

/// Commands nested deeper than this are not looked at.
const DEEPEST: usize = 12;

/// What comes after so many characters is not looked at.
const LONGEST: usize = 64 << 10;

/// One word of a command, quotes removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The text; variables and substitutions stand in it as they were written, or as `$`.
    pub text: String,
    /// Whether an unquoted `*`, `?`, `[` or `{` can make several words of it.
    pub pattern: bool,
    /// Whether a variable or a substitution decides what it is.
    pub dynamic: bool,
    /// Whether any part of it was quoted: then it is no keyword.
    pub quoted: bool,
    /// The commands in its substitutions, by their place in the list.
    pub inner: Vec<usize>,
}

/// One simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The words, assignments in front and keywords removed; empty for a mere redirection.
    pub words: Vec<Word>,
    /// The files that it empties with `>`.
    pub truncates: Vec<Word>,
    /// The text of a here-document or here-string.
    pub input: Option<String>,
    /// What was redirected into it with `<`.
    pub reads: Vec<Word>,
    /// The command whose output it reads, by its place in the list.
    pub fed_by: Option<usize>,
    /// Whether it stands in a loop.
    pub in_loop: bool,
}

/// Takes a command line or script apart; nested commands come before the one that holds them.
pub fn parse(line: &str) -> Vec<Command> {
    let mut parser = Parser { text: line.chars().take(LONGEST).collect(), ..Parser::default() };
    parser.list(None, 0);
    parser.commands
}

/// Splits what a person typed into words, as a shell would, with quotes removed.
pub fn words(line: &str) -> Vec<String> {
    let mut parser = Parser { text: line.chars().take(LONGEST).collect(), plain: true, ..Parser::default() };
    let mut words = Vec::new();
    loop {
        while parser.peek(0).is_some_and(char::is_whitespace) {
            parser.at += 1;
        }
        if parser.peek(0).is_none() {
            return words;
        }
        words.push(parser.word(0).text);
    }
}

#[derive(Default)]
struct Parser {
    text: Vec<char>,
    at: usize,
    commands: Vec<Command>,
    loops: usize,
    /// Here-documents whose bodies begin at the next line end: delimiter, tabs cut, command.
    open: Vec<(String, bool, Option<usize>)>,
    /// Only blanks end a word, and nothing is a substitution.
    plain: bool,
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    /// Reads commands up to `until` or the end.
    fn list(&mut self, until: Option<char>, depth: usize) {
        if depth > DEEPEST {
            self.at = self.text.len();
            return;
        }
        let mut command = Command::default();
        let mut feeder = None;
        while let Some(c) = self.peek(0) {
            match c {
                '\n' => {
                    self.at += 1;
                    self.finish(&mut command, feeder.take());
                    self.documents();
                }
                ';' => {
                    self.at += 1;
                    self.finish(&mut command, feeder.take());
                }
                '&' if self.starts("&>") => self.redirection(&mut command, depth),
                '&' => {
                    self.at += if self.starts("&&") { 2 } else { 1 };
                    self.finish(&mut command, feeder.take());
                }
                '|' if self.starts("||") => {
                    self.at += 2;
                    self.finish(&mut command, feeder.take());
                }
                '|' => {
                    self.at += if self.starts("|&") { 2 } else { 1 };
                    self.finish(&mut command, feeder.take());
                    feeder = self.commands.len().checked_sub(1);
                }
                '(' if command.words.is_empty() => {
                    self.at += 1;
                    self.list(Some(')'), depth + 1);
                }
                '(' => self.at += 1,
                ')' => {
                    self.at += 1;
                    self.finish(&mut command, feeder.take());
                    if until == Some(')') {
                        return;
                    }
                }
                '#' => self.skip_line(),
                '<' | '>' => self.redirection(&mut command, depth),
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                _ if c.is_whitespace() => self.at += 1,
                _ => {
                    let word = self.word(depth);
                    let number = !word.quoted && word.text.bytes().all(|byte| byte.is_ascii_digit());
                    // `2>file`: the number belongs to the redirection.
                    if !(number && matches!(self.peek(0), Some('<' | '>'))) {
                        command.words.push(word);
                    }
                }
            }
        }
        self.finish(&mut command, feeder);
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    /// Ends a command: keywords and assignments in front go, and it joins the list.
    fn finish(&mut self, command: &mut Command, fed_by: Option<usize>) {
        let mut command = std::mem::take(command);
        let mut skip = 0;
        for word in &command.words {
            match word.text.as_str() {
                _ if word.quoted && !is_assignment(&word.text) => break,
                "do" => self.loops += 1,
                "done" => self.loops = self.loops.saturating_sub(1),
                "if" | "then" | "elif" | "else" | "fi" | "while" | "until" | "{" | "}" | "!" | "time"
                | "esac" | "coproc" => {}
                // What these list is data, not commands.
                "for" | "case" | "select" | "function" => {
                    command.words.clear();
                    break;
                }
                text if is_assignment(text) => {}
                _ => break,
            }
            skip += 1;
        }
        command.words.drain(..skip.min(command.words.len()));
        if command.words.is_empty() && command.truncates.is_empty() {
            return;
        }
        command.fed_by = fed_by;
        command.in_loop = self.loops > 0;
        for (_, _, owner) in self.open.iter_mut().filter(|(_, _, owner)| owner.is_none()) {
            *owner = Some(self.commands.len());
        }
        self.commands.push(command);
    }

    /// Reads a redirection that begins here.
    fn redirection(&mut self, command: &mut Command, depth: usize) {
        let operators = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">|", ">&", ">"];
        let operator = operators.into_iter().find(|operator| self.starts(operator)).unwrap_or(">");
        if matches!(operator, "<" | ">") && self.peek(1) == Some('(') {
            // `<(commands)` stands for a file: it is a word.
            let word = self.word(depth);
            command.words.push(word);
            return;
        }
        self.at += operator.chars().count();
        while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        if self.peek(0).is_none_or(|c| matches!(c, '\n' | ';' | '|' | '&'))
            && operator != "<&"
            && operator != ">&"
        {
            return;
        }
        let target = self.word(depth);
        match operator {
            "<<" | "<<-" => self.open.push((target.text, operator == "<<-", None)),
            "<<<" => command.input = Some(target.text),
            "<" => command.reads.push(target),
            ">" | ">|" | "&>" => command.truncates.push(target),
            // `>&2` copies a descriptor, `>&file` writes a file.
            ">&" if !target.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                command.truncates.push(target);
            }
            _ => {}
        }
    }

    /// Reads the bodies of here-documents, which begin at this line.
    fn documents(&mut self) {
        for (delimiter, cut, owner) in std::mem::take(&mut self.open) {
            let mut body = String::new();
            while self.at < self.text.len() {
                let start = self.at;
                self.skip_line();
                let line: String = self.text[start..self.at].iter().collect();
                self.at += 1;
                let line = if cut { line.trim_start_matches('\t') } else { &line };
                if line == delimiter {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            if let Some(command) = owner.and_then(|owner| self.commands.get_mut(owner)) {
                command.input = Some(body);
            }
        }
        self.at = self.at.min(self.text.len());
    }

    /// Reads one word.
    fn word(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        let start = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                _ if c.is_whitespace() => break,
                ';' | '&' | '|' | '(' | ')' if !self.plain => break,
                '<' | '>' if !self.plain => {
                    if self.peek(1) != Some('(') || self.at > start {
                        break;
                    }
                    self.at += 2;
                    self.nested(&mut word, depth);
                }
                '\'' => {
                    word.quoted = true;
                    self.at += 1;
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        word.text.push(c);
                    }
                }
                '"' => self.double_quoted(&mut word, depth),
                '\\' => {
                    word.quoted = true;
                    self.at += 1;
                    word.text.extend(self.take().filter(|c| *c != '\n'));
                }
                '$' if !self.plain && self.peek(1) == Some('\'') => self.ansi_quoted(&mut word),
                '$' | '`' if !self.plain => self.expansion(&mut word, depth),
                _ => {
                    word.pattern |= matches!(c, '*' | '?' | '[' | '{');
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        word
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0);
        self.at += usize::from(c.is_some());
        c
    }

    fn double_quoted(&mut self, word: &mut Word, depth: usize) {
        word.quoted = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    match self.take() {
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                        Some('\n') | None => {}
                        Some(c) => word.text.extend(['\\', c]),
                    }
                }
                '$' | '`' if !self.plain => self.expansion(word, depth),
                _ => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn ansi_quoted(&mut self, word: &mut Word) {
        word.quoted = true;
        self.at += 2;
        while let Some(c) = self.take().filter(|c| *c != '\'') {
            word.text.push(match c {
                '\\' => match self.take() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(c) => c,
                    None => return,
                },
                c => c,
            });
        }
    }

    /// Reads a `$…` or `` `…` `` that begins here.
    fn expansion(&mut self, word: &mut Word, depth: usize) {
        let start = self.at;
        if self.starts("`") {
            self.at += 1;
            let mut inside = String::new();
            while let Some(c) = self.take().filter(|c| *c != '`') {
                match c {
                    '\\' => inside.extend(self.take()),
                    c => inside.push(c),
                }
            }
            let before = self.commands.len();
            if depth < DEEPEST {
                let mut parser = Parser { text: inside.chars().collect(), ..Parser::default() };
                parser.commands = std::mem::take(&mut self.commands);
                parser.list(None, depth + 1);
                self.commands = parser.commands;
            }
            self.keep_inner(word, before..self.commands.len());
        } else if self.starts("$((") {
            self.at += 3;
            let mut brackets = 2;
            while let Some(c) = self.take() {
                match c {
                    '(' => brackets += 1,
                    ')' => brackets -= 1,
                    _ => {}
                }
                if brackets == 0 {
                    break;
                }
            }
            word.text.push('$');
        } else if self.starts("$(") {
            self.at += 2;
            self.nested(word, depth);
        } else if self.starts("${") {
            while self.take().is_some_and(|c| c != '}') {}
            word.dynamic = true;
            word.text.extend(&self.text[start..self.at]);
        } else {
            self.at += 1;
            let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
            while self.peek(0).is_some_and(named) {
                self.at += 1;
            }
            // `$?`, `$@` and the like.
            if self.at == start + 1 && self.peek(0).is_some_and(|c| "?@*#!$-".contains(c)) {
                self.at += 1;
            }
            word.dynamic |= self.at > start + 1;
            word.text.extend(&self.text[start..self.at]);
        }
    }

    /// Reads the commands of a substitution whose bracket was just read.
    fn nested(&mut self, word: &mut Word, depth: usize) {
        let before = self.commands.len();
        let loops = std::mem::take(&mut self.loops);
        self.list(Some(')'), depth + 1);
        self.loops = loops;
        self.keep_inner(word, before..self.commands.len());
    }

    fn keep_inner(&self, word: &mut Word, inner: Range<usize>) {
        word.inner.extend(inner);
        word.dynamic = true;
        word.text.push('$');
    }
}

/// Says whether a word is `NAME=VALUE`.
pub(super) fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<String> {
        parse(line)
            .iter()
            .map(|command| command.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("|"))
            .collect()
    }

    #[test]
    fn a_line_is_cut_where_a_shell_cuts_it() {
        let table: [(&str, &[&str]); 20] = [
            ("rm -rf build", &["rm|-rf|build"]),
            ("a;b && c||d | e & f", &["a", "b", "c", "d", "e", "f"]),
            ("echo 'a;b' \"c && d\" e\\ f", &["echo|a;b|c && d|e f"]),
            ("X=1 Y='2 3' run X=4", &["run|X=4"]),
            ("(cd x; rm y) && { rm z; }", &["cd|x", "rm|y", "rm|z"]),
            ("if test -f x; then rm x; fi", &["test|-f|x", "rm|x"]),
            ("for f in *.o; do rm \"$f\"; done", &["rm|$f"]),
            ("while read l; do echo; done < list", &["read|l", "echo"]),
            ("case $x in a) rm y;; esac", &["rm|y"]),
            ("echo $(rm x)", &["rm|x", "echo|$"]),
            ("echo `rm x`", &["rm|x", "echo|$"]),
            ("echo \"$(rm \"a b\")\"", &["rm|a b", "echo|$"]),
            ("cat <<EOF\nrm -rf x\nEOF\nls", &["cat", "ls"]),
            ("cat <<-'E' > out; ls\n\trm\n\tE\npwd", &["cat", "ls", "pwd"]),
            ("echo a # rm -rf b\nls", &["echo|a", "ls"]),
            ("a 2>/dev/null >&2 <in", &["a"]),
            ("bash <(curl u)", &["curl|u", "bash|$"]),
            ("echo $((1 + (2))) x", &["echo|$|x"]),
            ("echo a\\\n b", &["echo|a|b"]),
            ("$'rm' ''", &["rm|"]),
        ];
        for (line, wanted) in table {
            assert_eq!(read(line), wanted, "{line:?}");
        }
    }

    #[test]
    fn pipelines_redirections_documents_and_loops_are_told() {
        let piped = parse("curl u | tee f | sh");
        assert_eq!(piped.iter().map(|c| c.fed_by).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
        let written = parse("a > x 2>> y &> 'z z'");
        let names: Vec<&str> = written[0].truncates.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(names, ["x", "z z"]);
        assert_eq!(parse("sh <<E\nrm x\nE")[0].input.as_deref(), Some("rm x\n"));
        assert_eq!(parse("sh <<< 'rm x'")[0].input.as_deref(), Some("rm x"));
        assert!(parse("for f in a; do mv $f b; done")[0].in_loop);
        assert!(!parse("for f in a; do :; done; mv a b")[1].in_loop);
        assert!(parse("rm *.o")[0].words[1].pattern && !parse("rm '*.o'")[0].words[1].pattern);
    }

    #[test]
    fn what_makes_no_sense_ends_and_does_not_panic() {
        for line in
            ["'", "\"", "$(", "`", "${", "<<", "<<E", "((((", "))))", "\\", "$'\\", ">", "a >", "&>", "$(("]
        {
            parse(line);
            words(line);
        }
        parse(&"$(".repeat(10_000));
        parse(&"(".repeat(100_000));
    }

    #[test]
    fn typed_words_keep_their_blanks_in_quotes() {
        assert_eq!(words("save \"a b\" -m 'c $(d)'"), ["save", "a b", "-m", "c $(d)"]);
        assert_eq!(words("save a&b; $x"), ["save", "a&b;", "$x"]);
        assert_eq!(words(""), Vec::<String>::new());
    }
}
