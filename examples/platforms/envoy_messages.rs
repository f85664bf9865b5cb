//! The messages of Envoy's `ext_authz` over gRPC, with the fields that `envoy_grpc.rs` uses.
//!
//! All of Envoy's messages are in the crate `envoy-types`, which takes 20 s to compile, and twice as long optimized. A
//! field that is not here is skipped in a message that is read, and has its default in one that is sent. The numbers
//! are those of `envoy/service/auth/v3/external_auth.proto` and `attribute_context.proto`,
//! `envoy/config/core/v3/base.proto` and `google/rpc/status.proto`.

use std::collections::HashMap;

use http::{HeaderValue, StatusCode};
use prost::Message;
use tonic::Code;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attributes {
    #[prost(message, optional, tag = "4")]
    pub(crate) request: Option<ClientRequest>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClientRequest {
    #[prost(message, optional, tag = "2")]
    pub(crate) http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HttpRequest {
    #[prost(string, tag = "2")]
    pub(crate) method: String,
    /// By name in lower case; the values of a header that is given twice are joined by a comma.
    #[prost(map = "string, string", tag = "3")]
    pub(crate) headers: HashMap<String, String>,
    /// With the query.
    #[prost(string, tag = "4")]
    pub(crate) path: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<RpcStatus>,
    #[prost(message, optional, tag = "2")]
    pub(crate) denied_response: Option<DeniedResponse>,
    #[prost(message, optional, tag = "3")]
    pub(crate) ok_response: Option<OkResponse>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeniedResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) headers: Vec<HeaderOption>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HttpStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OkResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) headers: Vec<HeaderOption>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeaderOption {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(int32, tag = "3")]
    pub(crate) append_action: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Header {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

impl CheckRequest {
    /// The client's request. All of its fields are empty if there is none.
    pub(crate) fn http(self) -> HttpRequest {
        self.attributes.and_then(|attributes| attributes.request?.http).unwrap_or_default()
    }
}

impl CheckResponse {
    /// Envoy passes the client's request on, with these headers.
    pub(crate) fn admitted(headers: Vec<HeaderOption>) -> Self {
        let status = Some(RpcStatus { code: Code::Ok.into() });
        Self { status, ok_response: Some(OkResponse { headers }), denied_response: None }
    }

    /// Envoy answers its client with this status and these headers.
    pub(crate) fn denied(status: StatusCode, headers: Vec<HeaderOption>) -> Self {
        let denied = DeniedResponse { status: Some(HttpStatus { code: status.as_u16().into() }), headers };
        let status = Some(RpcStatus { code: Code::PermissionDenied.into() });
        Self { status, ok_response: None, denied_response: Some(denied) }
    }
}

impl HeaderOption {
    /// A header that replaces those of its name, if its value is text.
    pub(crate) fn replace(name: &str, value: &HeaderValue) -> Option<Self> {
        const OVERWRITE_IF_EXISTS_OR_ADD: i32 = 2;
        let header = Header { key: name.to_owned(), value: value.to_str().ok()?.to_owned() };
        Some(Self { header: Some(header), append_action: OVERWRITE_IF_EXISTS_OR_ADD })
    }
}
