use std::fmt;

use http::{Request, Uri};

use crate::{RequestHead, Route};

/// The routes of one layer, in the order in which they were added.
///
/// A look-up costs the same for one route and for sixteen. It asks first whether any route has a path of this length,
/// which rules out most requests to the app. Then it compares the path with the few routes of one slot of a hash table.
#[derive(Clone, Default)]
pub(super) struct Routes {
    list: Vec<Route>,
    lengths: Lengths,
    /// The length of the longest exact path. Further bytes are not hashed, so that no request decides how many are.
    longest: usize,
    /// The indices of routes by the hash of their paths. The index of a prefix is in every slot. One route needs no
    /// table.
    slots: Vec<Vec<usize>>,
}

impl Routes {
    pub(super) fn as_slice(&self) -> &[Route] {
        &self.list
    }

    pub(super) fn push(&mut self, route: Route) {
        self.longest = self.longest.max(route.exact_path().map_or(0, str::len));
        self.lengths.insert(&route);
        self.list.push(route);
        if self.list.len() == 1 {
            return;
        }
        self.slots = vec![Vec::new(); (SLOTS_PER_ROUTE * self.list.len()).next_power_of_two()];
        for (index, route) in self.list.iter().enumerate() {
            match route.exact_path().map(|path| self.slot(path)) {
                Some(slot) => self.slots[slot].push(index),
                None => self.slots.iter_mut().for_each(|slot| slot.push(index)),
            }
        }
    }

    /// Whether a request may be for one of the routes, by the length of its path. `false` is always right.
    ///
    /// It runs for every request to the app.
    #[inline(always)]
    pub(super) fn may_have(&self, uri: &Uri) -> bool {
        self.lengths.contains(uri.path().len())
    }

    /// The index of the first route that matches `request`.
    #[inline(always)]
    pub(super) fn find<B>(&self, request: &Request<B>) -> Option<usize> {
        let (path, head) = (request.uri().path(), RequestHead::from_request(request));
        let matches = |route: &Route| route.has_path(path) && route.matches_below(head);
        match &*self.list {
            [only] => matches(only).then_some(0),
            list => self.slots.get(self.slot(path))?.iter().copied().find(|index| matches(&list[*index])),
        }
    }

    #[inline(always)]
    fn slot(&self, path: &str) -> usize {
        let bits = self.slots.len().trailing_zeros();
        // The last bytes of a word change only the upper bits of its hash.
        hash(&path.as_bytes()[..path.len().min(self.longest)]).unbounded_shr(64 - bits) as usize
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

/// With four slots for each route, most slots have one route or none.
const SLOTS_PER_ROUTE: usize = 4;

/// Eight bytes at a time, because a path is short. The paths in the table are the app's own, so no request can fill a
/// slot.
#[inline(always)]
fn hash(path: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    match path.last_chunk() {
        Some(last) => {
            let words = path.as_chunks().0.iter().copied().map(u64::from_le_bytes);
            mix(words.fold(0, mix), u64::from_le_bytes(*last))
        }
        None => path.iter().copied().map(u64::from).fold(0, mix),
    }
}

/// The lengths of the endpoints' paths, one bit for each. The last bit is for all lengths from 63 on.
#[derive(Clone, Copy, Default)]
struct Lengths(u64);

impl Lengths {
    fn insert(&mut self, route: &Route) {
        self.0 |= route.exact_path().map_or(u64::MAX, |path| Self::bit(path.len()));
    }

    #[inline(always)]
    fn contains(self, length: usize) -> bool {
        self.0 & Self::bit(length) != 0
    }

    #[inline(always)]
    fn bit(length: usize) -> u64 {
        1 << length.min(63)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn routes(list: impl IntoIterator<Item = Route>) -> Routes {
        let mut routes = Routes::default();
        list.into_iter().for_each(|route| routes.push(route));
        routes
    }

    fn lengths(list: &[Route]) -> Lengths {
        routes(list.iter().cloned()).lengths
    }

    #[test]
    fn only_lengths_of_paths_are_in_the_set() {
        let paths =
            lengths(&[Route::from_static(Method::GET, "/auth"), Route::from_static(Method::GET, "/CheckToken")]);
        let lengths_in: Vec<_> = (0..200).filter(|length| paths.contains(*length)).collect();
        assert_eq!(lengths_in, [5, 11]);
        assert!(!lengths(&[]).contains(0));
    }

    #[test]
    fn all_long_paths_share_one_bit() {
        let paths = lengths(&[Route::exact(&"/a".repeat(40)).unwrap()]);
        assert!(!paths.contains(62) && paths.contains(63) && paths.contains(80) && paths.contains(5000));
    }

    #[test]
    fn a_prefix_may_have_any_length() {
        let paths = lengths(&[Route::prefix("/user/").unwrap()]);
        assert!((0..200).all(|length| paths.contains(length)));
    }

    /// Every path of up to 5 bytes of `/ab`, and some that are longer than a word, with each of two methods.
    fn requests() -> Vec<Request<()>> {
        let longer = |path: &String| [path.clone(), format!("{path}/customers"), format!("/customers{path}")];
        let shorter = std::iter::successors(Some(vec![String::from("/")]), |paths| {
            Some(paths.iter().flat_map(|path| ["/", "a", "b"].map(|byte| format!("{path}{byte}"))).collect())
        });
        let paths: Vec<_> = shorter.take(5).flatten().collect();
        let paths = paths.iter().flat_map(longer);
        let both = |path: String| {
            [Method::GET, Method::POST].map(|method| Request::builder().method(method).uri(&path).body(()).unwrap())
        };
        paths.flat_map(both).collect()
    }

    #[test]
    fn a_look_up_finds_the_first_route_that_matches() {
        let exact = |path| Route::exact(path).unwrap();
        let has_a = |head: RequestHead<'_>| head.uri().path().contains('a');
        let all = [
            exact("/ab").methods([Method::GET]),
            exact("/customers/ba").when(has_a),
            exact("/customers//b").methods([Method::POST]),
            Route::prefix("/b").unwrap().methods([Method::GET]),
            exact("/ab"),
            exact("/ba"),
            exact("/a/customers"),
            exact("/"),
            Route::any().when(has_a).methods([Method::POST]),
            exact("/bb"),
            exact("/aaa"),
        ];
        for count in 0..=all.len() {
            let routes = routes(all[..count].iter().cloned());
            for request in requests() {
                let first = all[..count].iter().position(|route| route.matches(&request));
                assert_eq!(routes.find(&request), first, "{count} routes, {} {}", request.method(), request.uri());
                assert!(first.is_none() || routes.may_have(request.uri()));
            }
        }
        assert_eq!(routes(all).find(&Request::options("*").body(()).unwrap()), None);
    }

    #[test]
    fn paths_that_differ_in_a_byte_are_in_slots_of_their_own() {
        for pattern in ["/N", "/checkauthtoken/N", "/partners/N/checkauthtoken", "/N/checkauthtoken/of/a/partner"] {
            let numbered = (10..74).map(|n| Route::exact(&pattern.replace('N', &format!("{n}"))).unwrap());
            let fullest = routes(numbered).slots.iter().map(Vec::len).max();
            assert!(fullest <= Some(4), "{pattern}: {fullest:?} of 64 routes in one slot");
        }
    }

    #[test]
    fn a_path_is_hashed_up_to_the_longest_route() {
        let routes = routes([Route::exact("/auth").unwrap(), Route::prefix("/user/").unwrap()]);
        assert_eq!(routes.slot("/auth"), routes.slot(&format!("/auth{}", "x".repeat(9))));
    }
}
