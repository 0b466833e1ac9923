//! What the parts of a painted diff look like: on a dark screen, on a light one, and on one of unknown
//! colours.
//!
//! If the screen is unknown, the terminal's own palette is used, which suits any: red and green text without
//! a background. If it is known, changed lines have a background, and so the text can have the colours of
//! its syntax.

/// What is known of the screen's own background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Nothing.
    #[default]
    Unknown,
    /// Light text on a dark screen.
    Dark,
    /// Dark text on a light screen.
    Light,
}

/// How many colours the screen can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// 256 of a palette that is the same everywhere.
    #[default]
    Palette,
    /// All of them.
    Full,
}

/// How a diff is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// What it is for.
    pub background: Background,
    /// How fine its colours are.
    pub depth: Depth,
}

impl Theme {
    /// Says whether it is for a screen that is known.
    pub fn knows_background(&self) -> bool {
        self.background != Background::Unknown
    }
}

/// What a stretch of output means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Title,
    Hunk,
    Number,
    Removed,
    Added,
    /// Removed here and added elsewhere; added here and removed elsewhere.
    MovedAway,
    MovedHere,
    Note,
}

/// What a stretch of a program's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Comment,
    String,
    Constant,
    Keyword,
    Type,
    Function,
    Name,
}

pub(super) const RESET: &[u8] = b"\x1b[m";
/// Clears the rest of a line, in the background that is set. Git ends some of its colours like this.
pub(super) const ERASE: &[u8] = b"\x1b[K";
/// Begins and ends the target of a link.
pub(super) const LINK: &[u8] = b"\x1b]8;;";
pub(super) const LINK_END: &[u8] = b"\x1b\\";

/// A colour: as such, and its number in the palette.
type Color = ((u8, u8, u8), u8);

/// The colours of a theme that knows its screen.
struct Shades {
    hunk: Color,
    number: Color,
    note: Color,
    /// The sign, the line and the words of what is removed, and of what is added.
    removed: [Color; 3],
    added: [Color; 3],
    moved_away: [Color; 2],
    moved_here: [Color; 2],
    whitespace_error: Color,
    classes: [Color; 7],
}

const DARK: Shades = Shades {
    hunk: ((110, 170, 235), 75),
    number: ((118, 124, 134), 243),
    note: ((214, 168, 70), 179),
    removed: [((240, 110, 110), 203), ((64, 22, 28), 52), ((132, 40, 50), 88)],
    added: [((90, 200, 120), 77), ((18, 52, 32), 22), ((30, 104, 58), 28)],
    moved_away: [((190, 140, 220), 140), ((50, 34, 62), 236)],
    moved_here: [((110, 180, 220), 74), ((20, 46, 64), 237)],
    whitespace_error: ((170, 50, 50), 124),
    classes: [
        ((142, 150, 160), 246),
        ((170, 205, 150), 150),
        ((130, 195, 245), 117),
        ((245, 140, 150), 211),
        ((240, 195, 120), 222),
        ((190, 165, 250), 147),
        ((140, 210, 205), 116),
    ],
};

const LIGHT: Shades = Shades {
    hunk: ((20, 95, 190), 25),
    number: ((110, 118, 128), 243),
    note: ((140, 90, 0), 94),
    removed: [((190, 30, 45), 160), ((255, 232, 230), 224), ((255, 186, 180), 217)],
    added: [((20, 120, 50), 28), ((222, 248, 228), 194), ((160, 230, 175), 157)],
    moved_away: [((120, 50, 150), 91), ((244, 232, 250), 225)],
    moved_here: [((20, 100, 150), 24), ((226, 240, 252), 195)],
    whitespace_error: ((240, 120, 120), 210),
    classes: [
        ((100, 108, 118), 242),
        ((30, 105, 45), 22),
        ((10, 80, 165), 25),
        ((170, 25, 70), 125),
        ((140, 75, 0), 94),
        ((100, 55, 175), 55),
        ((0, 100, 105), 23),
    ],
};

/// The escape sequences of a theme, made once.
pub(super) struct Codes {
    shades: Option<ScreenShades>,
}

/// Those of a theme that knows its screen.
struct ScreenShades {
    paints: [Vec<u8>; 8],
    /// Signs, and behind words: of removed and added lines, and of those that moved.
    signs: [Vec<u8>; 4],
    words: [Vec<u8>; 2],
    whitespace_error: Vec<u8>,
    classes: [Vec<u8>; 7],
}

impl Codes {
    pub(super) fn of(theme: Theme) -> Codes {
        let shades = match theme.background {
            Background::Unknown => return Codes { shades: None },
            Background::Dark => &DARK,
            Background::Light => &LIGHT,
        };
        let code = |kind: u8, ((red, green, blue), number): Color| {
            match theme.depth {
                Depth::Full => format!("\x1b[{kind};2;{red};{green};{blue}m"),
                Depth::Palette => format!("\x1b[{kind};5;{number}m"),
            }
            .into_bytes()
        };
        let (text, behind) = (|color| code(38, color), |color| code(48, color));
        Codes {
            shades: Some(ScreenShades {
                paints: [
                    b"\x1b[1m".to_vec(),
                    text(shades.hunk),
                    text(shades.number),
                    behind(shades.removed[1]),
                    behind(shades.added[1]),
                    behind(shades.moved_away[1]),
                    behind(shades.moved_here[1]),
                    text(shades.note),
                ],
                signs: [shades.removed[0], shades.added[0], shades.moved_away[0], shades.moved_here[0]]
                    .map(text),
                words: [shades.removed[2], shades.added[2]].map(behind),
                whitespace_error: behind(shades.whitespace_error),
                classes: shades.classes.map(text),
            }),
        }
    }

    /// Says whether changed lines have a background, up to the edge of the screen.
    pub(super) fn fills(&self) -> bool {
        self.shades.is_some()
    }

    pub(super) fn code(&self, paint: Paint) -> &[u8] {
        match (&self.shades, paint) {
            (Some(made), paint) => &made.paints[paint as usize],
            (None, Paint::Title) => b"\x1b[1m",
            (None, Paint::Hunk) => b"\x1b[36m",
            (None, Paint::Number) => b"\x1b[2m",
            (None, Paint::Removed) => b"\x1b[31m",
            (None, Paint::Added) => b"\x1b[32m",
            (None, Paint::MovedAway) => b"\x1b[2;31m",
            (None, Paint::MovedHere) => b"\x1b[2;32m",
            (None, Paint::Note) => b"\x1b[33m",
        }
    }

    /// The colour of the text of a name or a count that stands for such lines.
    pub(super) fn text(&self, paint: Paint) -> &[u8] {
        match &self.shades {
            Some(_) => self.sign(paint).unwrap_or(self.code(paint)),
            None => self.code(paint),
        }
    }

    /// The colour of a line's sign, where that is not the colour of the line.
    pub(super) fn sign(&self, paint: Paint) -> Option<&[u8]> {
        let made = self.shades.as_ref()?;
        let number = match paint {
            Paint::Removed => 0,
            Paint::Added => 1,
            Paint::MovedAway => 2,
            Paint::MovedHere => 3,
            _ => return None,
        };
        Some(&made.signs[number])
    }

    /// What begins and ends a word that changed, in such a line.
    pub(super) fn word(&self, paint: Paint) -> (&[u8], &[u8]) {
        match (&self.shades, paint) {
            (Some(made), Paint::Removed | Paint::MovedAway) => (&made.words[0], self.code(paint)),
            (Some(made), Paint::Added | Paint::MovedHere) => (&made.words[1], self.code(paint)),
            _ => (b"\x1b[7m", b"\x1b[27m"),
        }
    }

    /// What begins white space at the end of an added line.
    pub(super) fn whitespace_error(&self) -> &[u8] {
        self.shades.as_ref().map_or(b"\x1b[41m", |made| &made.whitespace_error)
    }

    /// What begins a stretch of a program's text; without a known screen there is none.
    pub(super) fn class(&self, class: Class) -> &[u8] {
        self.shades.as_ref().map_or(b"", |made| &made.classes[class as usize])
    }

    /// What ends it.
    pub(super) fn class_end(&self) -> &[u8] {
        if self.shades.is_some() { b"\x1b[39m" } else { b"" }
    }
}
