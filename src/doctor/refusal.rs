//! What the API said when it refused the last request of a session, and what that is about.
//!
//! Pure. The client writes the API's words, or its own for them, into the transcript as an answer of its own, and sends
//! neither again. The words are those of public reports; what is none of the session's fault (limits, logins, a server
//! that is overloaded) is not looked at.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was said.
    pub said: String,
    /// What it is about.
    pub kind: RefusalKind,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// An image or a document.
    Media,
    /// Signed thinking.
    Thinking,
    /// What is checked and mended one by one: calls, results, texts, characters.
    Message,
    /// There is too much of it.
    Length,
}

/// Words by which refusals are told apart, in small letters.
const WORDS: [(&str, RefusalKind); 19] = [
    ("prompt is too long", RefusalKind::Length),
    ("exceed context limit", RefusalKind::Length),
    ("exceeds the maximum size", RefusalKind::Length),
    ("request_too_large", RefusalKind::Length),
    ("request too large", RefusalKind::Length),
    ("`thinking`", RefusalKind::Thinking),
    ("thinking block", RefusalKind::Thinking),
    ("redacted_thinking", RefusalKind::Thinking),
    ("could not process image", RefusalKind::Media),
    ("image exceeds", RefusalKind::Media),
    ("image was too large", RefusalKind::Media),
    ("image dimensions", RefusalKind::Media),
    ("an image in the conversation", RefusalKind::Media),
    ("image.source", RefusalKind::Media),
    ("pdf", RefusalKind::Media),
    ("tool_use", RefusalKind::Message),
    ("tool_result", RefusalKind::Message),
    ("content blocks must", RefusalKind::Message),
    ("not valid json", RefusalKind::Message),
];

impl Refusal {
    /// Reads what the client wrote; `None` if it is none of the session's fault.
    pub(super) fn read(said: &str) -> Option<Refusal> {
        let small = said.to_lowercase();
        let (_, kind) = WORDS.iter().find(|(words, _)| small.contains(words))?;
        Some(Refusal { said: said.to_owned(), kind: *kind })
    }
}

impl RefusalKind {
    /// Says what comes of it.
    pub(super) fn then(self) -> &'static str {
        match self {
            RefusalKind::Media | RefusalKind::Thinking | RefusalKind::Message => {
                "the client sends the same again with each prompt"
            }
            RefusalKind::Length => "`/compact` in the client may help; else go on from an earlier message",
        }
    }

    /// Returns the options that help.
    pub(super) fn remedy(self) -> Option<&'static str> {
        match self {
            RefusalKind::Media | RefusalKind::Thinking | RefusalKind::Message => Some("--fix"),
            RefusalKind::Length => Some("--fix --from MESSAGE"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_words_and_what_passes_is_none() {
        let kind = |said: &str| Refusal::read(said).map(|refusal| refusal.kind);
        for (said, wanted) in [
            (
                "API Error: 400 messages.7.content.12: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
                Some(RefusalKind::Thinking),
            ),
            (
                "API Error: 400 messages.1.content.0: Invalid `signature` in `thinking` block",
                Some(RefusalKind::Thinking),
            ),
            (
                "An image in the conversation exceeds the dimension limit for many-image requests (2000px).",
                Some(RefusalKind::Media),
            ),
            ("API Error: 400 Could not process image", Some(RefusalKind::Media)),
            (
                "PDF is password protected. Please double press esc to edit your message and try again.",
                Some(RefusalKind::Media),
            ),
            ("API Error: 400 messages: text content blocks must be non-empty", Some(RefusalKind::Message)),
            (
                "API Error: 400 messages.19: `tool_use` ids were found without `tool_result` blocks immediately after: x",
                Some(RefusalKind::Message),
            ),
            (
                "API Error: 400 The request body is not valid JSON: no low surrogate in string",
                Some(RefusalKind::Message),
            ),
            ("Prompt is too long", Some(RefusalKind::Length)),
            ("API Error: 413 {\"type\":\"request_too_large\"}", Some(RefusalKind::Length)),
            ("You've hit your session limit", None),
            ("API Error: 529 Overloaded. This is a server-side issue", None),
            ("API Error: Connection lost mid-response", None),
            ("OAuth token revoked", None),
        ] {
            assert_eq!(kind(said), wanted, "{said}");
        }
    }
}
