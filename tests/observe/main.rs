//! What is seen of the calls of endpoints and guards: events, logs, metrics, an audit, and never a credential.

mod audit;
mod events;
mod logs;
mod metrics;
mod secrets;
mod support;
mod table;
mod tower_layers;
