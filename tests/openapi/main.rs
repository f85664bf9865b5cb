//! The OpenAPI document: of the platforms' endpoints against the contracts' vectors, and the axum example's as it is
//! checked in.

mod example;
mod schema;
mod vectors;
