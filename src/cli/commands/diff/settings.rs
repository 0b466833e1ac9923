//! What sets how a diff looks: an option, a variable, or nothing.
//!
//! An option that is wrong is an error. A variable that is wrong is named and passed over: this program may be
//! somebody's pager, and then nothing may keep the text from the screen.

use clap::ValueEnum;

/// A setting, and what set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) from: SettingSource,
}

/// What set something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SettingSource {
    CommandLine,
    /// The variable of this name.
    Variable(&'static str),
    Default,
}

impl SettingSource {
    /// Returns the words for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            SettingSource::CommandLine => "the command line",
            SettingSource::Variable(name) => name,
            SettingSource::Default => "the default",
        }
    }
}

/// Settles settings, and collects what is wrong in variables.
pub(super) struct Settling<'v> {
    /// Reads a variable of the environment.
    pub(super) variable: &'v dyn Fn(&str) -> Option<String>,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
}

impl Settling<'_> {
    /// Returns what the option says, the variable, or the default. `read` reads the variable; `wanted` says
    /// what would be right. An empty variable counts as none.
    pub(super) fn settle<T>(
        &mut self,
        option: Option<T>,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
        wanted: &str,
        default: T,
    ) -> Setting<T> {
        if let Some(value) = option {
            return Setting { value, from: SettingSource::CommandLine };
        }
        let text = (self.variable)(name).filter(|text| !text.is_empty());
        match text.as_deref().map(&read) {
            Some(Some(value)) => Setting { value, from: SettingSource::Variable(name) },
            Some(None) => {
                let text = text.unwrap_or_default();
                self.warnings.push(format!("{name}={text} is passed over: it should be {wanted}"));
                Setting { value: default, from: SettingSource::Default }
            }
            None => Setting { value: default, from: SettingSource::Default },
        }
    }
}

/// Reads one of some words, in capitals too.
pub(super) fn word<T: ValueEnum>(text: &str) -> Option<T> {
    T::from_str(text, true).ok()
}

/// Reads a yes or a no.
pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_wrong_or_empty_changes_nothing() {
        const NAME: &str = "SNAP_DIFF_NO_LINE_NUMBERS";
        for (option, variable, value, from, warned) in [
            (None, None, false, SettingSource::Default, false),
            (None, Some(""), false, SettingSource::Default, false),
            (None, Some("1"), true, SettingSource::Variable(NAME), false),
            (None, Some("Yes"), true, SettingSource::Variable(NAME), false),
            (None, Some("off"), false, SettingSource::Variable(NAME), false),
            (None, Some("maybe"), false, SettingSource::Default, true),
            (Some(true), Some("maybe"), true, SettingSource::CommandLine, false),
        ] {
            let read = |_: &str| variable.map(str::to_owned);
            let mut settling = Settling { variable: &read, warnings: Vec::new() };
            let setting = settling.settle(option, NAME, yes_or_no, "yes or no", false);
            assert_eq!(setting, Setting { value, from }, "{option:?} {variable:?}");
            assert_eq!(!settling.warnings.is_empty(), warned, "{:?}", settling.warnings);
        }
    }
}
