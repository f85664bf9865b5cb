//! How calls of endpoints and guards are observed: by events, logs, metrics and an audit, and never with a credential.

mod audit;
mod events;
mod logs;
mod metrics;
mod secrets;
mod support;
mod table;
mod tower_layers;
