//! The endpoints of the example `platforms`: the conformance kit, with an answer read as kindly as the program reads it,
//! and the exact words.

mod document;
mod emqx;
mod envoy_grpc;
mod forward_auth;
mod freeradius;
mod icecast;
mod introspection;
mod mediamtx;
mod rabbitmq;
mod registry;
mod rmqtt;
mod sftpgo;
mod token_review;
