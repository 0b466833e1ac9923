//! One thing that is wrong with a session: what it is, what the client or the API makes of it, and what helps.
//!
//! Pure. What the client does was seen on the real one (`docs/doctor.md`); what the API refuses is documented, or was
//! reported in its own words.

use std::fmt;

use super::media::{
    FEW_IMAGES, Fault, LARGEST_IMAGE, LARGEST_REQUEST, LONGEST_OF_MANY, LONGEST_SIDE, MOST_IMAGES, Media,
    What, size_text,
};
use super::refusal::Refusal;
use crate::base::ids::ClientId;
use crate::client::transcript::recovery::Harm;
use crate::client::transcript::validate::{self, Problem};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line of the transcript, from 1; 0 for all of it.
    pub line: u64,
    /// The agent whose transcript it is; none for the conversation's own.
    pub agent: Option<ClientId>,
    /// What is wrong there.
    pub trouble: Trouble,
}

/// What comes of something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The API refuses a request with it, or the client does before it. Older clients can't go on.
    Refused,
    /// The client leaves something out, and says nothing.
    Lost,
    /// Nothing that could be mended.
    Harmless,
}

impl Effect {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Refused => "refused",
            Effect::Lost => "lost",
            Effect::Harmless => "harmless",
        }
    }
}

/// What can be wrong with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The transcript is damaged there, and whether that is mended.
    Damage(Problem, bool),
    /// The last line is unfinished.
    Unfinished {
        /// How many bytes there are of it.
        bytes: u64,
        /// Whether the session runs, so that the client may still be writing it.
        running: bool,
    },
    /// An image or a document that the API does not take.
    Media(Media),
    /// An image that the API does not take among so many.
    LongAmongMany {
        /// The image.
        media: Media,
        /// How many there are.
        images: usize,
    },
    /// More images than the client sends.
    ManyImages(usize),
    /// More bytes than the API takes.
    LargeRequest(u64),
    /// A text that says nothing.
    Blank,
    /// A message without content.
    Empty,
    /// Thinking without a signature.
    Unsigned,
    /// Thinking at the end of an answer.
    ThinkingLast,
    /// The input of a call that is no object.
    Input,
    /// A call with the id of an earlier one.
    RepeatedCall,
    /// A call with an id that the API does not take; clients of other providers make such.
    CallId,
    /// An answer that is a text and no list of parts.
    Plain,
    /// A call that names no tool.
    NoName,
    /// A part of a type that the API does not know.
    UnknownPart(Box<str>),
    /// The end of the conversation stands before what it follows.
    Order {
        /// How many messages come after the one that stands last.
        messages: usize,
    },
    /// The API refused the last request.
    Refusal(Refusal),
    /// The client goes on from another branch than the one that was written to last.
    OtherBranch {
        /// The end of the newer one.
        message: String,
        /// How many messages are only in it.
        messages: usize,
    },
    /// A compaction was broken off before its summary was written.
    BrokenCompaction {
        /// How many messages came before it.
        messages: usize,
    },
}

impl Finding {
    /// Makes one in the conversation itself.
    pub(super) fn at(line: u64, trouble: Trouble) -> Finding {
        Finding { line, agent: None, trouble }
    }

    /// Makes one of what a check of an agent's transcript says.
    pub(super) fn in_agent(agent: &ClientId, found: &validate::Finding) -> Finding {
        let trouble = Trouble::Damage(found.problem, found.mended);
        Finding { line: found.line, agent: Some(agent.clone()), trouble }
    }

    /// Returns what comes of it.
    pub fn effect(&self) -> Effect {
        self.trouble.effect()
    }
}

impl Trouble {
    /// Returns what comes of it.
    pub fn effect(&self) -> Effect {
        match self {
            Trouble::Damage(Problem::NoMessage, _) => Effect::Refused,
            Trouble::Damage(_, true) | Trouble::RepeatedCall | Trouble::OtherBranch { .. } => Effect::Lost,
            Trouble::BrokenCompaction { .. } | Trouble::Order { .. } => Effect::Lost,
            Trouble::Unfinished { running: false, .. } => Effect::Lost,
            Trouble::Damage(_, false)
            | Trouble::Unfinished { running: true, .. }
            | Trouble::ManyImages(_) => Effect::Harmless,
            Trouble::Media(_)
            | Trouble::LongAmongMany { .. }
            | Trouble::LargeRequest(_)
            | Trouble::Blank
            | Trouble::Empty
            | Trouble::Unsigned
            | Trouble::ThinkingLast
            | Trouble::Input
            | Trouble::CallId
            | Trouble::Plain
            | Trouble::NoName
            | Trouble::UnknownPart(_)
            | Trouble::Refusal(_) => Effect::Refused,
        }
    }

    /// Returns the word for it in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Trouble::Damage(Problem::Line(harm), _) => match harm {
                Harm::Torn { .. } => "torn_line",
                Harm::Glued { .. } => "glued_records",
                Harm::NoRecord => "no_record",
                Harm::Control => "control_character",
                Harm::NotUtf8 => "not_utf8",
                Harm::LoneSurrogate => "half_character",
            },
            Trouble::Damage(Problem::DuplicateId { .. }, _) => "duplicate_id",
            Trouble::Damage(Problem::LostParent, _) => "lost_parent",
            Trouble::Damage(Problem::LostBeginning { .. }, _) => "lost_beginning",
            Trouble::Damage(Problem::Circle, _) => "circle",
            Trouble::Damage(Problem::LostResult, _) => "lost_result",
            Trouble::Damage(Problem::LostCall, _) => "lost_call",
            Trouble::Damage(Problem::DanglingLeaf, _) => "dangling_leaf",
            Trouble::Damage(Problem::NoMessage, _) => "no_message",
            Trouble::Unfinished { .. } => "unfinished_line",
            Trouble::Media(media) => match media.fault {
                Some(Fault::TooLarge) => "image_too_large",
                Some(Fault::TooLong) => "image_side_too_long",
                Some(Fault::MediaType(_)) => "image_media_type",
                Some(Fault::Address) => "image_address",
                Some(Fault::NoPdf) => "no_pdf",
                Some(Fault::Locked) => "pdf_password",
                Some(Fault::NoImage) | None => "no_image",
            },
            Trouble::LongAmongMany { .. } => "image_side_too_long_for_many",
            Trouble::ManyImages(_) => "many_images",
            Trouble::LargeRequest(_) => "large_request",
            Trouble::Blank => "blank_text",
            Trouble::Empty => "empty_message",
            Trouble::Unsigned => "unsigned_thinking",
            Trouble::ThinkingLast => "thinking_last",
            Trouble::Input => "call_input",
            Trouble::RepeatedCall => "repeated_call",
            Trouble::CallId => "call_id",
            Trouble::Plain => "plain_answer",
            Trouble::NoName => "call_name",
            Trouble::UnknownPart(_) => "unknown_part",
            Trouble::Order { .. } => "order",
            Trouble::Refusal(_) => "refusal",
            Trouble::OtherBranch { .. } => "other_branch",
            Trouble::BrokenCompaction { .. } => "broken_compaction",
        }
    }

    /// Says what the client or the API makes of it.
    pub fn then(&self) -> &'static str {
        match self {
            Trouble::Damage(Problem::Line(harm), _) => match harm {
                Harm::Torn { .. } | Harm::Control => "the client passes over the whole line",
                Harm::Glued { .. } => "the client reads the first one alone",
                Harm::NoRecord => "2.1.149 can't resume it if it is `null`; 2.1.332 passes over it",
                Harm::NotUtf8 | Harm::LoneSurrogate => {
                    "the client sends a replacement character, and older ones failed"
                }
            },
            Trouble::Damage(Problem::DuplicateId { .. }, _) => "the client takes the last one",
            Trouble::Damage(Problem::LostParent, _) => {
                "the client joins it to the record before it, or begins the conversation there"
            }
            Trouble::Damage(Problem::LostBeginning { .. } | Problem::Circle, _) => {
                "the client may begin the conversation there, without what came before"
            }
            Trouble::Damage(Problem::LostResult, true) => "the client leaves out the call too",
            Trouble::Damage(Problem::LostResult, false) => "the client went on without it, and will again",
            Trouble::Damage(Problem::LostCall, _) => "the client leaves out the result",
            Trouble::Damage(Problem::DanglingLeaf, _) => "the client ignores it",
            Trouble::Damage(Problem::NoMessage, _) => "the client has nothing to resume",
            Trouble::Unfinished { running: true, .. } => "the client may be writing it right now",
            Trouble::Unfinished { .. } => {
                "the record is lost, and 2.1.149 would write the next one behind it"
            }
            Trouble::Media(Media { fault: Some(Fault::TooLarge), .. }) => {
                "the client sends no request any more"
            }
            Trouble::Media(Media { fault: Some(Fault::Address), .. }) | Trouble::UnknownPart(_) => {
                "the client sends it with each request, and the API refuses that"
            }
            Trouble::Media(_) | Trouble::LongAmongMany { .. } => {
                "the API refuses it; newer clients then leave out images, good ones too, and older ones are stuck"
            }
            Trouble::Plain => "2.1.149 can't resume it",
            Trouble::NoName => "2.1.149 sends it, and the API refuses that; 2.1.332 leaves it out",
            Trouble::Order { .. } => "the client goes on from the one that stands last, or near it",
            Trouble::LargeRequest(_) | Trouble::ThinkingLast | Trouble::Input | Trouble::CallId => {
                "the client sends it with each request, and the API refuses that"
            }
            Trouble::Unsigned => "the API refuses it; 2.1.332 then leaves out all thinking, 2.1.149 is stuck",
            Trouble::ManyImages(_) => "the client leaves out the oldest ones by itself",
            Trouble::Blank => "2.1.149 sends it, and the API refuses that; 2.1.332 leaves it out",
            Trouble::Empty => "2.1.149 can't resume it or is refused; 2.1.332 only if it is an empty text",
            Trouble::RepeatedCall => "the client leaves out this call and its result",
            Trouble::Refusal(refusal) => refusal.kind.then(),
            Trouble::OtherBranch { .. } => {
                "the client shows neither that there is one nor what was said in it"
            }
            Trouble::BrokenCompaction { .. } => {
                "2.1.332 loads nothing from before it; 2.1.149 passes over it"
            }
        }
    }

    /// Returns the options of `snap doctor` that help; `None` if none do.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Trouble::Damage(Problem::NoMessage, _) => None,
            Trouble::LargeRequest(_) => Some("--fix --strip-images".to_owned()),
            Trouble::Refusal(refusal) => refusal.kind.remedy().map(str::to_owned),
            Trouble::OtherBranch { message, .. } => Some(format!("--fix --from {message}")),
            other => (other.effect() != Effect::Harmless).then(|| "--fix".to_owned()),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Damage(problem, _) => {
                write!(f, "{}", validate::Finding { line: 0, problem: *problem, mended: false })
            }
            Trouble::Unfinished { bytes, .. } => write!(f, "the last line is unfinished ({bytes} bytes)"),
            Trouble::Media(media) => write_media(f, media),
            Trouble::LongAmongMany { media, images } => {
                let sides = media.sides.map(|sides| sides.to_string()).unwrap_or_default();
                write!(
                    f,
                    "an image of {sides} in a conversation with {images} of them; with more than {FEW_IMAGES} "
                )?;
                write!(f, "the limit is {LONGEST_OF_MANY} px a side")
            }
            Trouble::ManyImages(images) => write!(f, "{images} images; the client sends {MOST_IMAGES}"),
            Trouble::LargeRequest(bytes) => {
                let (size, most) = (size_text(*bytes), size_text(LARGEST_REQUEST));
                write!(f, "the conversation has {size}; the limit of a request is {most}")
            }
            Trouble::Blank => f.write_str("a text that says nothing"),
            Trouble::Empty => f.write_str("a message without content"),
            Trouble::Unsigned => f.write_str("thinking without a signature"),
            Trouble::ThinkingLast => f.write_str("an answer that ends with thinking"),
            Trouble::Input => f.write_str("the input of a tool call is no object"),
            Trouble::RepeatedCall => f.write_str("a tool call with the id of an earlier one"),
            Trouble::CallId => {
                f.write_str("a tool call with an id of other characters than letters, digits, - and _")
            }
            Trouble::Plain => f.write_str("an answer that is a text and no list"),
            Trouble::NoName => f.write_str("a tool call that names no tool"),
            Trouble::UnknownPart(kind) => write!(f, "a part of the unknown type {kind:?}"),
            Trouble::Order { messages } => {
                write!(f, "the last {messages} messages come before the messages that they answer")
            }
            Trouble::Refusal(refusal) => write!(f, "the last request was refused: {}", refusal.said),
            Trouble::BrokenCompaction { messages } => {
                write!(f, "a compaction without its summary, with {messages} messages before it")
            }
            Trouble::OtherBranch { messages, .. } => {
                write!(
                    f,
                    "{messages} messages were written last, in another branch than the one that is resumed"
                )
            }
        }
    }
}

fn write_media(f: &mut fmt::Formatter<'_>, media: &Media) -> fmt::Result {
    let size = size_text(media.bytes);
    match (&media.fault, media.what) {
        (Some(Fault::TooLarge), _) => {
            write!(f, "an image of {size} in base64; the limit is {}", size_text(LARGEST_IMAGE))
        }
        (Some(Fault::TooLong), _) => {
            let sides = media.sides.map(|sides| sides.to_string()).unwrap_or_default();
            write!(f, "an image of {sides}; the limit is {LONGEST_SIDE} px a side")
        }
        (Some(Fault::MediaType(is)), _) => {
            write!(f, "an image that is {is}, and is said to be something else")
        }
        (Some(Fault::Address), What::Image) => f.write_str("an image at an address that is none on the web"),
        (Some(Fault::Address), What::Document) => {
            f.write_str("a document at an address that is none on the web")
        }
        (Some(Fault::NoPdf), _) => f.write_str("a document that is no PDF"),
        (Some(Fault::Locked), _) => f.write_str("a PDF with a password"),
        (_, What::Document) => write!(f, "a document of {size}"),
        (_, What::Image) => write!(f, "{size} that are no image the API knows"),
    }
}
