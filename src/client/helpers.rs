//! Agents that the client runs for itself: to sum up a conversation, to suggest a prompt, to answer a question aside.
//!
//! Nobody called them and nobody can go on with them. Their ids say what they are for (`acompact-1b98b4`), and they have no
//! metadata; they are branches of the conversation, so their records follow records of its transcript.

use crate::base::ids::ClientId;

/// Says whether an agent is one of the client's own.
pub fn is_helper(id: &ClientId, has_metadata: bool) -> bool {
    let parts = id.as_str().strip_prefix('a').and_then(|rest| rest.rsplit_once('-'));
    let Some((purpose, number)) = parts.filter(|_| !has_metadata) else { return false };
    let is_word = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-');
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    !purpose.is_empty() && purpose.bytes().all(is_word) && number.len() >= 4 && number.bytes().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_own_agents_are_known_by_their_ids() {
        for (id, wanted) in [
            ("acompact-1b98b4", true),
            ("aprompt_suggestion-7508e4", true),
            ("aside_question-00ff11", true),
            ("areactive-compact-0123456789abcdef", true),
            ("a1b2c3d", false),
            ("a0123456789abcdef", false),
            ("ag1", false),
            ("a-1b98b4", false),
            ("acompact-xyz", false),
        ] {
            let id = ClientId::parse(id).expect("an id");
            assert_eq!(is_helper(&id, false), wanted, "{id}");
            assert!(!is_helper(&id, true), "{id}: what has metadata was called");
        }
    }
}
