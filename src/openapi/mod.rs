//! An OpenAPI 3.1 document of the endpoints that an app has mounted, made from the endpoints themselves.
//!
//! [`OpenApi`] takes the layers that you mount, so that the document has your paths, your settings and your caller's
//! secret. The answers in it are real: each endpoint is asked for its answer to every verdict, to requests that lack
//! something, to every other rejection and to every failure, and the document has the statuses, headers and bodies that
//! came. An endpoint says the rest, the schemas of its request and of its answers, in [`Described::describe`]. All
//! endpoints of the platforms do; your own can.
//!
#![cfg_attr(feature = "diyalog", doc = "```")]
#![cfg_attr(not(feature = "diyalog"), doc = "```ignore")]
//! use http::Request;
//! use tower_verify::{
//!     BoxError, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
//!     openapi::OpenApi,
//!     verifier_fn,
//! };
//!
//! async fn verify(_: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!     Ok(CustomerVerdict::InvalidToken) // ask your database
//! }
//!
//! let customers = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).path("/v1/checkauthtoken")?;
//! let document = OpenApi::new("Bank", "1.0.0").endpoint(&customers)?.into_json(); // serve it, and mount `customers`
//!
//! let answers = &document["paths"]["/v1/checkauthtoken"]["post"]["responses"]["200"]["content"];
//! let words = &answers["text/plain; charset=utf-8"]["schema"]["enum"];
//! assert!(words.as_array().is_some_and(|words| words.iter().any(|word| word == "Validated")));
//! # Ok::<(), BoxError>(())
//! ```
//!
//! # Security
//!
//! The document has no secret: of a caller's secret it has the name of the header, and of the credentials the samples
//! that the endpoint's author wrote. It does say which calls exist. Decide who may read it, as you do for any other page.

mod answers;
mod body;
mod description;
mod document;

pub use self::{
    description::{Described, Description},
    document::OpenApi,
};
