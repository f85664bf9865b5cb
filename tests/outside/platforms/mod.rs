//! The endpoints of the example `platforms`: the conformance kit, with an answer read as kindly as the program reads it,
//! and the exact words.

mod envoy_grpc;
mod forward_auth;
mod freeradius;
mod icecast;
mod rabbitmq;
mod registry;
mod token_review;
