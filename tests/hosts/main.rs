//! The same layer inside every host it is made for, and the contract that Tower has with a service.

mod support;

mod axum;
mod caller;
mod console;
mod endpoints;
mod examples;
mod hyper;
mod lambda;
mod oneshot;
mod tonic;
mod tower_contract;
