//! Names that a reader looks for, compared in their place: most calls have them in the order of the contract.

/// Whether the text from `at` on is `name`, and `end` after it.
#[inline(always)]
pub(super) fn is_at(text: &[u8], at: usize, name: &str, end: u8) -> bool {
    let rest = text.get(at..).and_then(|rest| rest.split_at_checked(name.len()));
    matches!(rest, Some((start, [next, ..])) if *next == end && are_same(start, name.as_bytes()))
}

/// Whether two texts of the same length are the same. Most names are as long as one or two words, which may overlap.
#[inline(always)]
fn are_same(text: &[u8], name: &[u8]) -> bool {
    match name.len() {
        4..=7 => have_same_ends::<4>(text, name),
        8..=16 => have_same_ends::<8>(text, name),
        _ => text == name,
    }
}

#[inline(always)]
fn have_same_ends<const N: usize>(text: &[u8], name: &[u8]) -> bool {
    text.first_chunk::<N>() == name.first_chunk() && text.last_chunk::<N>() == name.last_chunk()
}

/// Whether `allowed` is true for every byte of `names`.
// Without an early end, the compiler finds the answer for names that it knows.
#[inline(always)]
pub(super) fn are_of<const N: usize>(names: &[&str; N], allowed: impl Fn(u8) -> bool) -> bool {
    names.iter().fold(true, |all, name| all & name.bytes().fold(true, |all, byte| all & allowed(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_all_its_bytes_and_its_end() {
        for length in 1..20 {
            let name: String = ('a'..).take(length).collect();
            let text = format!("x{name}=").into_bytes();
            assert!(is_at(&text, 1, &name, b'='));
            for index in 1..text.len() {
                let mut other = text.clone();
                other[index] ^= 1;
                assert!(!is_at(&other, 1, &name, b'='), "{length} {index}");
                assert!(!is_at(&text[..index], 1, &name, b'='));
            }
        }
    }
}
