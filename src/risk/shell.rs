//! A command line parsed as a POSIX shell does: words, pipelines, redirections, and the commands inside
//! substitutions, subshells and here-documents.
//!
//! Pure, and never fails: if a line makes no sense to a shell, the commands that could be read are returned.
//! Nothing is expanded. A word only says that it holds a pattern or a variable.

use std::ops::Range;

use super::cursor::Cursor;
pub use super::word::Word;
use super::word::is_assignment;
use super::word_reader::{DEEPEST, WordReader};

/// What comes after so many characters is not looked at.
const LONGEST: usize = 1 << 20;

/// When a command runs, as the one before it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Joint {
    /// In any case.
    #[default]
    Always,
    /// If it succeeded.
    And,
    /// If it failed.
    Or,
}

/// One simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The words, without leading assignments and keywords; empty for a mere redirection or assignment.
    pub words: Vec<Word>,
    /// The assignments in front, each with the further values of an array.
    pub(super) assignments: Vec<(Word, Vec<Word>)>,
    /// For `for NAME in WORDS`: the name and the words.
    pub(super) each: Option<(String, Vec<Word>)>,
    /// The subshells that it runs in, outermost first, each by a number of its own.
    pub(super) shells: Vec<usize>,
    /// What of the command before it makes it run.
    pub(super) joint: Joint,
    /// The files that it empties with `>`.
    pub truncates: Vec<Word>,
    /// The text of a here-document or here-string.
    pub input: Option<String>,
    /// What was redirected into it with `<`.
    pub reads: Vec<Word>,
    /// The command whose output it reads, by its place in the list.
    pub fed_by: Option<usize>,
    /// Whether it is in a loop.
    pub in_loop: bool,
    /// The function that it is a part of.
    pub(super) function: Option<String>,
}

/// Takes a command line or script apart; nested commands come before the one that holds them.
pub fn parse(line: &str) -> Vec<Command> {
    let mut parser =
        Parser { cursor: Cursor::at_start_of(line.chars().take(LONGEST).collect()), ..Parser::default() };
    parser.list(None, 0);
    parser.commands
}

/// Splits what a person typed into words, as a shell would, with quotes removed.
pub fn words(line: &str) -> Vec<String> {
    let mut parser = Parser {
        cursor: Cursor::at_start_of(line.chars().take(LONGEST).collect()),
        plain: true,
        ..Parser::default()
    };
    let mut words = Vec::new();
    loop {
        while parser.cursor.peek(0).is_some_and(char::is_whitespace) {
            parser.cursor.at += 1;
        }
        if parser.cursor.peek(0).is_none() {
            return words;
        }
        words.push(parser.word(0).text);
    }
}

/// Words that only say how the commands behind them hang together.
const KEYWORDS: [&str; 15] = [
    "do", "if", "then", "elif", "else", "fi", "while", "until", "{", "}", "!", "time", "esac", "coproc",
    "function",
];

#[derive(Default)]
struct Parser {
    cursor: Cursor,
    commands: Vec<Command>,
    /// The loops around, each with the place of its first command in the list.
    loops: Vec<usize>,
    /// Here-documents whose bodies begin at the next line end: delimiter, tabs cut, command.
    open: Vec<(String, bool, Option<usize>)>,
    /// Only blanks end a word, and nothing is a substitution.
    plain: bool,
    shells: Vec<usize>,
    /// How many subshells there were.
    numbered: usize,
    joint: Joint,
    /// The name of a function whose body comes next.
    defined: Option<String>,
    /// The braces around, each with the function whose body they are.
    braces: Vec<Option<String>>,
    /// The arrays that were assigned in the command that is being read: which word, and the values.
    arrays: Vec<(usize, Vec<Word>)>,
}

impl WordReader for Parser {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn only_blanks_end_a_word(&self) -> bool {
        self.plain
    }

    fn commands(&mut self, until: Option<char>, depth: usize) -> Range<usize> {
        let before = self.commands.len();
        let loops = std::mem::take(&mut self.loops);
        self.subshell(until, depth, Joint::Always);
        self.loops = loops;
        before..self.commands.len()
    }

    fn inside<R>(&mut self, text: Vec<char>, read: impl FnOnce(&mut Parser) -> R) -> R {
        let mut inside = Parser {
            cursor: Cursor::at_start_of(text),
            commands: std::mem::take(&mut self.commands),
            shells: self.shells.clone(),
            numbered: self.numbered,
            ..Parser::default()
        };
        let result = read(&mut inside);
        self.commands = inside.commands;
        self.numbered = inside.numbered;
        result
    }
}

impl Parser {
    /// Reads commands that run in a shell of their own.
    fn subshell(&mut self, until: Option<char>, depth: usize, first: Joint) {
        self.numbered += 1;
        self.shells.push(self.numbered);
        let arrays = std::mem::take(&mut self.arrays);
        let joint = std::mem::replace(&mut self.joint, first);
        self.list(until, depth);
        self.joint = joint;
        self.arrays = arrays;
        self.shells.pop();
    }

    /// Reads commands up to `until` or the end.
    fn list(&mut self, until: Option<char>, depth: usize) {
        if depth > DEEPEST {
            self.cursor.at = self.cursor.text.len();
            return;
        }
        let mut command = Command::default();
        let mut feeder = None;
        while let Some(c) = self.cursor.peek(0) {
            match c {
                '\n' => {
                    self.cursor.at += 1;
                    self.finish(&mut command, feeder.take());
                    self.documents();
                }
                ';' => {
                    self.cursor.at += 1;
                    self.finish(&mut command, feeder.take());
                }
                '&' if self.cursor.starts("&>") => self.redirection(&mut command, depth),
                '&' => {
                    let joint = if self.cursor.starts("&&") { Joint::And } else { Joint::Always };
                    self.cursor.at += if joint == Joint::And { 2 } else { 1 };
                    self.finish(&mut command, feeder.take());
                    self.joint = joint;
                }
                '|' if self.cursor.starts("||") => {
                    self.cursor.at += 2;
                    self.finish(&mut command, feeder.take());
                    self.joint = Joint::Or;
                }
                '|' => {
                    self.cursor.at += if self.cursor.starts("|&") { 2 } else { 1 };
                    self.finish(&mut command, feeder.take());
                    feeder = self.commands.len().checked_sub(1);
                }
                '(' if command
                    .words
                    .iter()
                    .all(|word| !word.quoted && KEYWORDS.contains(&word.text.as_str())) =>
                {
                    self.cursor.at += 1;
                    self.finish(&mut command, None);
                    let (start, joint) = (self.commands.len(), std::mem::take(&mut self.joint));
                    self.subshell(Some(')'), depth + 1, joint);
                    let inside = |command: &&mut Command| command.shells.len() == self.shells.len() + 1;
                    if let Some(first) = self.commands[start..].iter_mut().find(inside) {
                        first.fed_by = first.fed_by.or(feeder.take());
                    }
                }
                '(' => {
                    self.cursor.at += 1;
                    let is_array = |word: &Word| word.text.ends_with('=') && is_assignment(&word.text);
                    if command.words.last().is_some_and(is_array)
                        && self.cursor.text.get(self.cursor.at.wrapping_sub(2)) == Some(&'=')
                    {
                        let values = self.array(depth);
                        self.arrays.push((command.words.len() - 1, values));
                    }
                }
                ')' if self.names_a_function(&command) => {
                    self.cursor.at += 1;
                    self.defined = command.words.pop().map(|word| word.text);
                    command = Command::default();
                }
                ')' => {
                    self.cursor.at += 1;
                    self.finish(&mut command, feeder.take());
                    if until == Some(')') {
                        return;
                    }
                }
                '#' => self.skip_line(),
                '<' | '>' => self.redirection(&mut command, depth),
                '\\' if self.cursor.peek(1) == Some('\n') => self.cursor.at += 2,
                _ if c.is_whitespace() => self.cursor.at += 1,
                _ => {
                    let word = self.word(depth);
                    let number = !word.quoted && word.text.bytes().all(|byte| byte.is_ascii_digit());
                    // `2>file`: the number belongs to the redirection.
                    if !(number && matches!(self.cursor.peek(0), Some('<' | '>'))) {
                        command.words.push(word);
                    }
                }
            }
        }
        self.finish(&mut command, feeder);
    }

    /// Reads the values of an array up to its bracket.
    fn array(&mut self, depth: usize) -> Vec<Word> {
        let mut values = Vec::new();
        while let Some(c) = self.cursor.peek(0) {
            match c {
                ')' => {
                    self.cursor.at += 1;
                    break;
                }
                '#' => self.skip_line(),
                _ if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(') => self.cursor.at += 1,
                _ => {
                    let before = self.cursor.at;
                    values.push(self.word(depth));
                    self.cursor.at = self.cursor.at.max(before + 1);
                }
            }
        }
        values
    }

    /// Says whether what was read is `NAME(`, with a bracket coming that ends it.
    fn names_a_function(&self, command: &Command) -> bool {
        let opens = self.cursor.at.checked_sub(1).and_then(|at| self.cursor.text.get(at)) == Some(&'(');
        let is_one = match command.words.as_slice() {
            [_] => true,
            [first, _] => first.text == "function",
            _ => false,
        };
        let is_name = |word: &Word| !word.dynamic && !is_assignment(&word.text) && !word.text.ends_with('=');
        opens && is_one && command.words.last().is_some_and(is_name)
    }

    fn skip_line(&mut self) {
        while self.cursor.peek(0).is_some_and(|c| c != '\n') {
            self.cursor.at += 1;
        }
    }

    /// Ends a command: keywords and assignments in front go, and it joins the list.
    fn finish(&mut self, command: &mut Command, fed_by: Option<usize>) {
        let mut command = std::mem::take(command);
        let arrays = std::mem::take(&mut self.arrays);
        let mut skip = 0;
        let mut before = "";
        for (at, word) in command.words.iter().enumerate() {
            match word.text.as_str() {
                // The name behind it, and an option of `time`, are no commands.
                name if before == "function" => {
                    self.defined = Some(name.to_owned());
                    before = "";
                }
                "-p" | "--" if before == "time" => {}
                text if is_assignment(text) => {
                    let array = arrays.iter().find(|(owner, _)| *owner == at);
                    let values = array.map(|(_, values)| values.clone()).unwrap_or_default();
                    command.assignments.push((word.clone(), values));
                }
                _ if word.quoted => break,
                "do" => {}
                "while" | "until" => self.loops.push(self.commands.len()),
                "done" => {
                    // `done < <(commands)` feeds what the loop reads.
                    let fed = self.loops.pop().and_then(|first| self.commands.get_mut(first));
                    if let Some(first) = fed.filter(|_| !command.reads.is_empty()) {
                        first.reads.append(&mut command.reads);
                    }
                }
                "{" => self.braces.push(self.defined.take()),
                "}" => drop(self.braces.pop()),
                text if KEYWORDS.contains(&text) => before = text,
                // What these list is data, not commands.
                "for" | "select" => {
                    self.loops.push(self.commands.len());
                    let name = command.words.get(at + 1).map(|word| word.text.clone());
                    let is_listed = command.words.get(at + 2).is_some_and(|word| word.text == "in");
                    // Without a list, it goes through what the shell was given.
                    let given = || vec![Word::variable("@")];
                    let values = command.words.get(at + 3..).filter(|_| is_listed);
                    command.each = name.map(|name| (name, values.map_or_else(given, <[Word]>::to_vec)));
                    if is_listed || command.words.len() < at + 3 {
                        command.words.clear();
                        break;
                    }
                    // `for NAME do COMMAND`
                    skip = at + 3;
                    break;
                }
                "case" => {
                    command.words.clear();
                    break;
                }
                _ => break,
            }
            skip += 1;
        }
        command.words.drain(..skip.min(command.words.len()));
        let sets = !command.assignments.is_empty() || command.each.is_some();
        if command.words.is_empty() && command.truncates.is_empty() && !sets {
            return;
        }
        command.fed_by = fed_by;
        command.in_loop = !self.loops.is_empty();
        command.function = self.braces.iter().rev().flatten().next().cloned();
        command.shells.clone_from(&self.shells);
        command.joint = std::mem::take(&mut self.joint);
        for (_, _, owner) in self.open.iter_mut().filter(|(_, _, owner)| owner.is_none()) {
            *owner = Some(self.commands.len());
        }
        self.commands.push(command);
    }

    /// Reads a redirection that begins here.
    fn redirection(&mut self, command: &mut Command, depth: usize) {
        let operators = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">|", ">&", ">"];
        let operator = operators.into_iter().find(|operator| self.cursor.starts(operator)).unwrap_or(">");
        if matches!(operator, "<" | ">") && self.cursor.peek(1) == Some('(') {
            // `<(commands)` stands for a file: it is a word.
            let word = self.word(depth);
            command.words.push(word);
            return;
        }
        self.cursor.at += operator.chars().count();
        while self.cursor.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.cursor.at += 1;
        }
        if self.cursor.peek(0).is_none_or(|c| matches!(c, '\n' | ';' | '|' | '&'))
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
            while self.cursor.at < self.cursor.text.len() {
                let start = self.cursor.at;
                self.skip_line();
                let line = self.cursor.read_since(start);
                self.cursor.at += 1;
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
        self.cursor.at = self.cursor.at.min(self.cursor.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<String> {
        parse(line)
            .iter()
            .filter(|command| !command.words.is_empty() || !command.truncates.is_empty())
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
        assert!(parse("for f in a; do mv $f b; done")[1].in_loop);
        assert!(!parse("for f in a; do :; done; mv a b")[2].in_loop);
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
