use std::fmt::Debug;

use axum::{Router, serve::Listener};
use tower_layer::Layer;
use tower_verify::{Endpoint, Verifier, VerifyLayer};

fn verified<L, E, V>(listener: L, verify: VerifyLayer<E, V>, router: Router)
where
    L: Listener<Addr: Debug>,
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    axum::serve(listener, verify.layer(router));
}

fn main() {}
