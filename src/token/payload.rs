use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    TokenId,
    mac::{Claims, Tag},
};

pub(super) const EXPIRY_LEN: usize = 6;

/// The latest expiry that fits into a token, in the year 10889.
pub(super) const MAX_EXPIRY_MILLIS: u64 = (1 << (8 * EXPIRY_LEN)) - 1;

const LEN: usize = size_of::<Claims>() + 2 * size_of::<Tag>();

/// The payload fills base64's groups exactly, so every bit of every character counts.
pub(super) const TEXT_LEN: usize = LEN / 3 * 4;

const _: () = assert!(LEN.is_multiple_of(3));

/// The bytes after the readable part of a token.
pub(super) struct Payload {
    pub(super) claims: Claims,
    pub(super) token_tag: Tag,
    pub(super) binding_tag: Tag,
}

impl Payload {
    pub(super) fn encode(&self, text: &mut String) {
        let mut bytes = [0; LEN];
        let (claims, tags) = bytes.split_at_mut(size_of::<Claims>());
        claims.copy_from_slice(&self.claims);
        let (token_tag, binding_tag) = tags.split_at_mut(size_of::<Tag>());
        token_tag.copy_from_slice(&self.token_tag);
        binding_tag.copy_from_slice(&self.binding_tag);
        // Into a buffer that fits: `encode_string` fills a kilobyte with zeros first.
        let mut encoded = [0; TEXT_LEN];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut encoded).expect("the text fits");
        text.push_str(str::from_utf8(&encoded[..written]).expect("base64 is ASCII"));
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; LEN];
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(LEN) {
            return None;
        }
        let (claims, tags) = bytes.split_first_chunk()?;
        let (token_tag, binding_tag) = tags.split_first_chunk()?;
        Some(Self { claims: *claims, token_tag: *token_tag, binding_tag: *binding_tag.first_chunk()? })
    }
}

pub(super) fn claims(expiry_millis: u64, id: TokenId) -> Claims {
    let mut claims = Claims::default();
    let (expiry, random) = claims.split_at_mut(EXPIRY_LEN);
    expiry.copy_from_slice(&expiry_millis.to_be_bytes()[8 - EXPIRY_LEN..]);
    random.copy_from_slice(&id.0);
    claims
}

pub(super) fn read_claims(claims: &Claims) -> (u64, TokenId) {
    let (mut expiry, mut id) = ([0; 8], [0; TokenId::LEN]);
    expiry[8 - EXPIRY_LEN..].copy_from_slice(&claims[..EXPIRY_LEN]);
    id.copy_from_slice(&claims[EXPIRY_LEN..]);
    (u64::from_be_bytes(expiry), TokenId(id))
}
