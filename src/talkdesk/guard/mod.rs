//! The guard in front of the app's own routes for Talkdesk's later calls: see [`GuardLayer`](super::GuardLayer).

mod body;
mod check;
mod future;
mod layer;
mod service;

pub use self::{body::GuardedBody, future::ResponseFuture, layer::GuardLayer, service::Guard};

#[cfg(test)]
mod tests;
