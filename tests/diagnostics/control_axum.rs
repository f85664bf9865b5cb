//! The code of the fixtures with axum without their mistakes: it must compile.

use std::fmt::Debug;

use axum::{Router, serve::Listener};
use tower_layer::Layer;
use tower_verify::{Endpoint, GuardContract, GuardLayer, Verifier, VerifyLayer};

fn verified<L, E, V>(listener: L, verify: VerifyLayer<E, V>, router: Router)
where
    L: Listener<Addr: Debug>,
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    axum::serve(listener, axum::ServiceExt::<axum::extract::Request>::into_make_service(verify.layer(router)));
}

fn guarded<L, C, V>(listener: L, guard: GuardLayer<C, V>, router: Router)
where
    L: Listener<Addr: Debug>,
    C: GuardContract,
    V: Verifier<C::Credential>,
{
    axum::serve(listener, axum::ServiceExt::<axum::extract::Request>::into_make_service(guard.layer(router)));
}

fn main() {}
