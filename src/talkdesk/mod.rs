//! Talkdesk's authorization validator.
