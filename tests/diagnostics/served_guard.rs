use std::fmt::Debug;

use axum::{Router, serve::Listener};
use tower_layer::Layer;
use tower_verify::{GuardContract, GuardLayer, Verifier};

fn guarded<L, C, V>(listener: L, guard: GuardLayer<C, V>, router: Router)
where
    L: Listener<Addr: Debug>,
    C: GuardContract,
    V: Verifier<C::Credential>,
{
    axum::serve(listener, guard.layer(router));
}

fn main() {}
