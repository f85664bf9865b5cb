//! Several processes of the axum example share one Redis, which is killed, paused, cut off and filled under load.
//! `redis-server` must be in the `PATH`.

mod answer;
mod calls;
mod cluster;
mod faults;
mod keys;
mod load;
mod operator;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod throttle;
mod tickets;
