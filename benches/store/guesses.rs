//! A million guesses, each at another made-up principal, through a throttle on the store.

use std::sync::Arc;

use http::Request;
use tower_verify::{BoxError, Credential, Verifier, policy::Throttle, store::MemoryStore, verifier_fn};

use crate::{MILLION, memory_of_each, timed};

pub(crate) struct Guess(pub(crate) u64);

impl Credential for Guess {
    type Verdict = bool;
}

pub(crate) fn measure() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let wrong = verifier_fn(|_: Request<Guess>| async { Ok::<_, BoxError>(false) });
    let store = Arc::new(MemoryStore::new());
    let principal = |request: &Request<Guess>| Some(request.body().0.to_be_bytes());
    let throttle = Throttle::new(wrong, Arc::clone(&store), [7; 32], principal);
    memory_of_each("a guess at a made-up principal", || {
        timed(MILLION, "guess at a made-up principal", |number| {
            let verdict = runtime.block_on(throttle.verify(Request::new(Guess(number))));
            assert!(verdict.is_ok_and(|admitted| !admitted));
        })
    });
    println!("| the store after it | | `{store:?}` |");
}
