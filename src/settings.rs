//! The user's settings: what a `snap.toml` may say, and what it says. Pure. Owns `toml`.
//!
//! One table has every setting, with its default. Whatever reads, checks, lists or documents settings goes by it. A
//! setting that is not in the table, or a value that is none, is an error with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::base::screen::cut;
use crate::base::similar_names::names_like;
use crate::base::sizes::parse_size;
use crate::base::timestamp::parse_span;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A number.
    Number,
    /// A span of time, such as `7d`.
    Span,
    /// A size, such as `10MiB`.
    Size,
    /// Yes or no.
    YesNo,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Takes::Number => f.write_str("a number"),
            Takes::Span => f.write_str("a span of time such as \"7d\", \"36h\" or \"2w\""),
            Takes::Size => f.write_str("a size such as \"500K\" or \"2GiB\""),
            Takes::YesNo => f.write_str("true or false"),
            Takes::Word(words) => match words {
                [first @ .., last] => write!(f, "\"{}\" or \"{last}\"", first.join("\", \"")),
                [] => Ok(()),
            },
            Takes::Text => f.write_str("a text"),
        }
    }
}

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name: table and key, with a dot between.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What holds if nobody says anything.
    pub usual: &'static str,
    /// The variable that is stronger than the file, if there is one.
    pub variable: Option<&'static str>,
    /// The option that is stronger than both, if there is one.
    pub option: Option<&'static str>,
    /// What it is for.
    pub what: &'static str,
}

const fn setting(name: &'static str, takes: Takes, usual: &'static str, what: &'static str) -> Setting {
    Setting { name, takes, usual, variable: None, option: None, what }
}

impl Setting {
    const fn variable(self, variable: &'static str) -> Setting {
        Setting { variable: Some(variable), ..self }
    }

    const fn option(self, option: &'static str) -> Setting {
        Setting { option: Some(option), ..self }
    }
}

/// How many automatic snapshots are kept.
pub const AUTOMATIC: &str = "keep.automatic";
/// For how many days one automatic snapshot a day is kept.
pub const AUTOMATIC_DAYS: &str = "keep.automatic_days";
/// How long safety snapshots are kept.
pub const SAFETY: &str = "keep.safety";
/// A rule of `snap prune` if none is given.
pub const OLDER_THAN: &str = "prune.older_than";
/// A rule of `snap prune` if none is given.
pub const KEEP_LAST: &str = "prune.keep_last";
/// A rule of `snap prune` if none is given.
pub const KEEP_DAILY: &str = "prune.keep_daily";
/// A rule of `snap prune` if none is given.
pub const KEEP_WEEKLY: &str = "prune.keep_weekly";
/// A rule of `snap prune` if none is given.
pub const MAX_SIZE: &str = "prune.max_size";
/// Which untracked files are left out for their size.
pub const MAX_FILE: &str = "save.max_file";
/// How many untracked files of a folder that tools fill are saved.
pub const MAX_FILES: &str = "save.max_files";
/// How much of a conversation is saved.
pub const HISTORY: &str = "save.history";
/// Which grants a resume restores.
pub const GRANTS: &str = "resume.grants";
/// The pager.
pub const PAGER: &str = "look.pager";
/// The background of the screen.
pub const THEME: &str = "look.theme";
/// Whether source code is coloured.
pub const SYNTAX: &str = "look.syntax";
/// Links to files.
pub const LINKS: &str = "look.links";
/// Whether a diff has line numbers.
pub const LINE_NUMBERS: &str = "look.line_numbers";
/// The longest line of a diff.
pub const MAX_LINE: &str = "look.max_line";

/// The pause between two pushes of what is shared.
pub const SYNC_PAUSE: &str = "sync.pause";

/// Every setting there is.
pub const ALL: [Setting; 19] = [
    setting(AUTOMATIC, Takes::Number, "50", "how many of the newest automatic snapshots are kept"),
    setting(AUTOMATIC_DAYS, Takes::Number, "30", "for how many days one automatic snapshot a day is kept"),
    setting(SAFETY, Takes::Span, "7d", "how long a safety snapshot is kept whatever is pruned"),
    setting(OLDER_THAN, Takes::Span, "", "`snap prune` without a rule removes what is older")
        .option("--older-than"),
    setting(KEEP_LAST, Takes::Number, "", "`snap prune` without a rule keeps so many").option("--keep-last"),
    setting(KEEP_DAILY, Takes::Number, "", "`snap prune` without a rule keeps one of each of so many days")
        .option("--keep-daily"),
    setting(KEEP_WEEKLY, Takes::Number, "", "`snap prune` without a rule keeps one of each of so many weeks")
        .option("--keep-weekly"),
    setting(MAX_SIZE, Takes::Size, "", "`snap prune` without a rule removes the oldest above this size")
        .option("--max-size"),
    setting(MAX_FILE, Takes::Size, "10MiB", "larger untracked files are left out").option("--max-file"),
    setting(MAX_FILES, Takes::Number, "200", "more untracked files of a folder that tools fill are left out")
        .option("--max-files"),
    setting(
        HISTORY,
        Takes::Word(&["context", "full", "none"]),
        "context",
        "how much of the conversation is saved",
    )
    .option("--history"),
    setting(
        GRANTS,
        Takes::Word(&["review", "all", "none"]),
        "review",
        "which grants of your own snapshots a resume restores on a terminal",
    )
    .option("--grants"),
    setting(SYNC_PAUSE, Takes::Span, "15s", "how long `snap init --sync` waits between two pushes, at most"),
    setting(PAGER, Takes::Text, "less", "the pager of long outputs; `cat` is none").variable("SNAP_PAGER"),
    setting(THEME, Takes::Word(&["auto", "dark", "light", "ansi"]), "auto", "the background to paint for")
        .variable("SNAP_DIFF_THEME")
        .option("--theme"),
    setting(SYNTAX, Takes::Word(&["auto", "always", "never"]), "auto", "whether a diff colours source code")
        .variable("SNAP_DIFF_SYNTAX")
        .option("--syntax"),
    setting(LINKS, Takes::Text, "never", "how a diff links to files")
        .variable("SNAP_DIFF_LINKS")
        .option("--links"),
    setting(LINE_NUMBERS, Takes::YesNo, "true", "whether a diff has line numbers")
        .variable("SNAP_DIFF_NO_LINE_NUMBERS")
        .option("--no-line-numbers"),
    setting(MAX_LINE, Takes::Number, "4096", "longer lines of a diff are cut, in bytes")
        .variable("SNAP_DIFF_MAX_LINE")
        .option("--max-line"),
];

/// What a file says of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The value, as a text.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// What a file says of all settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    stated: BTreeMap<&'static str, Stated>,
}

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its line, from 1.
    pub line: usize,
    /// What, for a person.
    pub what: String,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong in it, in its order.
    pub fn parse(text: &str) -> Result<Settings, Vec<Wrong>> {
        let line = |span: Range<usize>| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| {
            vec![Wrong { line: line(error.span().unwrap_or_default()), what: error.message().to_owned() }]
        })?;
        let (mut settings, mut wrong) = (Settings::default(), Vec::new());
        for (group, inside) in table.get_ref() {
            let DeValue::Table(inside) = inside.get_ref() else {
                wrong.push(Wrong { line: line(group.span()), what: unknown(group.get_ref()) });
                continue;
            };
            let is_group = ALL.iter().any(|setting| setting.name.split('.').next() == Some(group.get_ref()));
            if inside.is_empty() && !is_group {
                wrong.push(Wrong { line: line(group.span()), what: unknown_group(group.get_ref()) });
            }
            for (key, value) in inside {
                let name = format!("{}.{}", group.get_ref(), key.get_ref());
                let line = line(key.span());
                let Some(setting) = ALL.iter().find(|setting| setting.name == name) else {
                    wrong.push(Wrong { line, what: unknown(&name) });
                    continue;
                };
                match setting.takes.read(value.get_ref()) {
                    Some(text) => drop(settings.stated.insert(setting.name, Stated { text, line })),
                    None => {
                        wrong.push(Wrong { line, what: format!("{name} should be {}", setting.takes) });
                    }
                }
            }
        }
        wrong.sort_by_key(|one| one.line);
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    /// Returns what the file says of a setting.
    pub fn stated(&self, name: &str) -> Option<&Stated> {
        self.stated.get(name)
    }

    /// Returns the text of a setting, if the file has it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.stated(name).map(|stated| stated.text.as_str())
    }

    /// The same of a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The same of a number of things.
    pub fn count(&self, name: &str) -> Option<usize> {
        self.number(name).and_then(|number| usize::try_from(number).ok())
    }

    /// The same of a span of time.
    pub fn span(&self, name: &str) -> Option<Duration> {
        parse_span(self.text(name)?).ok()
    }

    /// The same of a size, in bytes.
    pub fn size(&self, name: &str) -> Option<u64> {
        parse_size(self.text(name)?).ok()
    }
}

/// Says that there is no such group of settings, and which ones there are.
fn unknown_group(name: &str) -> String {
    let groups: BTreeSet<&str> = ALL.iter().filter_map(|setting| setting.name.split('.').next()).collect();
    let groups: Vec<String> = groups.iter().map(|group| format!("[{group}]")).collect();
    format!("there is no [{}]; there are {}", cut(name, 60), groups.join(", "))
}

/// Says that there is no such setting, and what there is.
fn unknown(name: &str) -> String {
    let group = name.split('.').next().unwrap_or(name);
    let names = || ALL.iter().map(|setting| setting.name);
    let shown = cut(name, 60);
    if let Some(meant) = names_like(name, names()).first() {
        return format!("there is no setting {shown}; did you mean {meant}? (`snap config` lists all)");
    }
    let of_group: Vec<&str> = names().filter(|other| other.split('.').next() == Some(group)).collect();
    match of_group.as_slice() {
        [] => format!("there is no setting {shown}; `snap config` lists all"),
        _ => format!("there is no setting {shown}; there are {}", of_group.join(", ")),
    }
}

impl Takes {
    /// Says whether a text is one of these, as in a variable: words in capitals too.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Takes::Number => text.parse::<u64>().is_ok(),
            Takes::YesNo | Takes::Text => true,
            Takes::Span => parse_span(text).is_ok(),
            Takes::Size => parse_size(text).is_ok(),
            Takes::Word(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
        }
    }

    /// Returns a value as a text, if it is one of these.
    fn read(self, value: &DeValue<'_>) -> Option<String> {
        let text = value.as_str().map(str::to_owned);
        match self {
            Takes::Number => value.as_integer().and_then(|number| {
                u64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
            }),
            Takes::YesNo => value.as_bool().map(|yes| yes.to_string()),
            Takes::Span => text.filter(|text| parse_span(text).is_ok()),
            Takes::Size => text.filter(|text| parse_size(text).is_ok()),
            Takes::Word(words) => text.filter(|text| words.contains(&text.as_str())),
            Takes::Text => text.filter(|text| !text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let all = Settings::parse(text).err().unwrap_or_default();
        all.iter().map(|one| format!("{}: {}", one.line, one.what)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_setting_takes_its_own_default() {
        for setting in ALL.iter().filter(|setting| !setting.usual.is_empty()) {
            let value = match setting.takes {
                Takes::Number | Takes::YesNo => setting.usual.to_owned(),
                _ => format!("{:?}", setting.usual),
            };
            let (group, key) = setting.name.split_once('.').expect("a dot");
            let read = Settings::parse(&format!("# mine\n[{group}]\n{key} = {value}\n"));
            let stated = read.as_ref().ok().and_then(|read| read.stated(setting.name)).cloned();
            assert_eq!(stated, Some(Stated { text: setting.usual.to_owned(), line: 3 }), "{}", setting.name);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_would_be_right() {
        assert_eq!(wrong(""), "");
        assert_eq!(wrong("keep.automatic = 5\n"), "");
        let table = [
            ("[keep]\nautomatic = -1\n", "2: keep.automatic should be a number"),
            ("[keep]\n\nautomatic = \"5\"", "3: keep.automatic should be a number"),
            ("[keep]\nsafety = \"soon\"", "2: keep.safety should be a span of time such as"),
            ("[save]\nmax_file = \"lots\"", "2: save.max_file should be a size such as"),
            ("[look]\ntheme = \"pink\"", "2: look.theme should be \"auto\", \"dark\", \"light\" or \"ansi\""),
            ("[look]\nline_numbers = \"yes\"", "2: look.line_numbers should be true or false"),
            ("[keep]\nautomatc = 5", "2: there is no setting keep.automatc; did you mean keep.automatic?"),
            ("[sahre]\n\n[keep]\n", "1: there is no [sahre]; there are [keep], [look], [prune]"),
            ("automatic = 5", "1: there is no setting automatic; did you mean keep.automatic?"),
            ("[share]\nremote = \"x\"", "2: there is no setting share.remote; `snap config` lists all"),
            ("[keep\n", "1: "),
        ];
        for (text, says) in table {
            assert!(wrong(text).starts_with(says), "{text:?}: {}", wrong(text));
        }
        let two = wrong("[look]\ntheme = 5\n[keep]\nx = 1\n");
        assert_eq!(two.lines().count(), 2, "{two}");
    }
}
