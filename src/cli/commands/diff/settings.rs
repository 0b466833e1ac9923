//! What sets how a diff looks: an option, a variable, the user's settings, or nothing.
//!
//! An option that is wrong is an error. A variable that is wrong is named and passed over: this program may be
//! somebody's pager, and then nothing may keep the text from the screen.

use clap::ValueEnum;

use crate::settings::Settings;

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
    /// The user's settings, in this line.
    Settings(usize),
    Default,
}

impl SettingSource {
    /// Returns the words for it.
    pub(super) fn name(self) -> String {
        match self {
            SettingSource::CommandLine => "the command line".to_owned(),
            SettingSource::Variable(name) => name.to_owned(),
            SettingSource::Settings(line) => format!("the settings, line {line}"),
            SettingSource::Default => "the default".to_owned(),
        }
    }
}

/// What a setting of a diff is called.
#[derive(Clone, Copy)]
pub(super) struct Named {
    /// In the environment.
    pub(super) variable: &'static str,
    /// In the user's settings.
    pub(super) setting: &'static str,
}

/// Settles settings, and collects what is wrong in variables.
pub(super) struct Settling<'v> {
    /// Reads a variable of the environment.
    pub(super) variable: &'v dyn Fn(&str) -> Option<String>,
    /// What the user's settings say.
    pub(super) settings: &'v Settings,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
}

impl Settling<'_> {
    /// Returns what the option says, the variable, the user's settings, or the default. `read` reads a text; `wanted` says
    /// what would be right. An empty variable counts as none.
    pub(super) fn settle<T>(
        &mut self,
        option: Option<T>,
        of: Named,
        read: impl Fn(&str) -> Option<T>,
        wanted: &str,
        default: T,
    ) -> Setting<T> {
        if let Some(value) = option {
            return Setting { value, from: SettingSource::CommandLine };
        }
        let name = of.variable;
        let stated = self.settings.stated(of.setting);
        let stated = stated.and_then(|stated| Some((read(&stated.text)?, stated.line)));
        let usual = || match stated {
            Some((value, line)) => Setting { value, from: SettingSource::Settings(line) },
            None => Setting { value: default, from: SettingSource::Default },
        };
        let text = (self.variable)(name).filter(|text| !text.is_empty());
        match text.as_deref().map(&read) {
            Some(Some(value)) => Setting { value, from: SettingSource::Variable(name) },
            Some(None) => {
                let text = text.unwrap_or_default();
                self.warnings.push(format!("{name}={text} is passed over: it should be {wanted}"));
                usual()
            }
            None => usual(),
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
        let of = Named { variable: NAME, setting: crate::settings::MAX_LINE };
        let settings = Settings::default();
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
            let mut settling = Settling { variable: &read, settings: &settings, warnings: Vec::new() };
            let setting = settling.settle(option, of, yes_or_no, "yes or no", false);
            assert_eq!(setting, Setting { value, from }, "{option:?} {variable:?}");
            assert_eq!(!settling.warnings.is_empty(), warned, "{:?}", settling.warnings);
        }
    }

    #[test]
    fn the_users_settings_are_weaker_than_a_variable_and_stronger_than_the_default() {
        let of = Named { variable: "SNAP_DIFF_MAX_LINE", setting: crate::settings::MAX_LINE };
        let settings = Settings::parse("[look]\nmax_line = 7\n").expect("settings");
        for (option, variable, value, from) in [
            (None, None, 7, SettingSource::Settings(2)),
            (None, Some("x"), 7, SettingSource::Settings(2)),
            (None, Some("8"), 8, SettingSource::Variable("SNAP_DIFF_MAX_LINE")),
            (Some(9), Some("8"), 9, SettingSource::CommandLine),
        ] {
            let read = |_: &str| variable.map(str::to_owned);
            let mut settling = Settling { variable: &read, settings: &settings, warnings: Vec::new() };
            let setting = settling.settle(option, of, |text| text.parse().ok(), "a number", 0);
            assert_eq!(setting, Setting { value, from }, "{option:?} {variable:?}");
        }
    }
}
