use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, header::AUTHORIZATION, request::Parts};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::taptalk::{
    wire::api_key::{APP_KEY, ApiKey, KeyRefusal},
    wire::device::Device,
    wire::envelope::{Writer, mirror_status_setter},
    wire::refusal::Refusal,
};
use crate::{ConfigError, Contract, Credential, Endpoint, Failure, Outcome, Rejection, Route, Verdict};

/// An app's request for the settings of its project: see [`ProjectConfigsEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConfigsRequest {
    /// `App-Key`: the app's own key.
    pub app_key: ApiKey,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl ConfigsRequest {
    /// A request without a device, such as for a test of a verifier.
    pub fn new(app_key: ApiKey) -> Self {
        Self { app_key, device: Device::default() }
    }
}

impl Credential for ConfigsRequest {
    type Verdict = ConfigsVerdict;
}

/// The verdict on a [`ConfigsRequest`]: see [`ProjectConfigsEndpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigsVerdict {
    /// The app may have the settings.
    Allowed,
    /// The app key is not accepted.
    KeyRefused(KeyRefusal),
}

impl Verdict for ConfigsVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Allowed)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::KeyRefused(refusal) => refusal.name(),
        }
    }
}

/// `POST /v1/client/project_configs`: an app asks for the settings of its project.
///
/// The app asks before any user is logged in. Without a good response, its uploads fail later.
///
/// The web SDK sends an empty `Authorization`. That header and the body are ignored.
///
/// Source: what TapTalk.io's published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     taptalk::{ConfigsRequest, ConfigsVerdict, KeyRefusal, ProjectConfigsEndpoint},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let apps = verifier_fn(|request: Request<ConfigsRequest>| async move {
///     let key = &request.body().app_key;
///     let is_known = (key.id == "android") & (key.secret == "pl41n");
///     Ok::<_, BoxError>(match is_known {
///         true => ConfigsVerdict::Allowed,
///         false => ConfigsVerdict::KeyRefused(KeyRefusal::Unknown),
///     })
/// });
/// let configs = serde_json::json!({"core": {}, "custom": {"theme": "dark"}, "project": {}});
/// let service = VerifyLayer::new(ProjectConfigsEndpoint::new().configs(&configs)?, apps).into_service();
///
/// let request = Request::post("/v1/client/project_configs")
///     .header("App-Key", "YW5kcm9pZDpwbDQxbg==") // base64 of android:pl41n
///     .body(String::new())?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// let answer: serde_json::Value = serde_json::from_slice(&answer)?;
/// assert_eq!(answer["data"], configs);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ProjectConfigsEndpoint {
    writer: Writer,
    configs: Arc<RawValue>,
}

impl ProjectConfigsEndpoint {
    /// The endpoint with empty settings: `{"core": {}, "project": {}, "custom": {}}`.
    pub fn new() -> Self {
        let empty = RawValue::from_string(r#"{"core":{},"project":{},"custom":{}}"#.to_owned());
        Self { writer: Writer::default(), configs: empty.expect("this is JSON").into() }
    }

    /// Sets the settings, which must serialize to a JSON object.
    ///
    /// They are sent to everyone who has an app key, which is in every copy of the app.
    ///
    /// # Errors
    /// If the settings do not serialize to a JSON object.
    pub fn configs(mut self, configs: &impl Serialize) -> Result<Self, ConfigError> {
        let configs = serde_json::value::to_raw_value(configs).ok().filter(|configs| configs.get().starts_with('{'));
        self.configs =
            configs.ok_or_else(|| ConfigError::new("the project's settings must serialize to a JSON object"))?.into();
        Ok(self)
    }

    mirror_status_setter!();
}

impl Default for ProjectConfigsEndpoint {
    fn default() -> Self {
        Self::new()
    }
}

impl Contract for ProjectConfigsEndpoint {
    type Credential = ConfigsRequest;
    type Context = ();
    const NAME: &'static str = "taptalk.project_configs";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<ConfigsRequest, Rejection> {
        head.headers.remove(AUTHORIZATION);
        let app_key = ApiKey::take(&mut head.headers, &APP_KEY)?;
        Ok(ConfigsRequest { app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<ConfigsVerdict>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(ConfigsVerdict::KeyRefused(refusal)) => self.writer.refuse(Refusal::of_app_key(refusal)),
            Outcome::Verdict(ConfigsVerdict::Allowed) => self.writer.failed(&Failure::panicked()),
            Outcome::Rejected(rejection) => self.writer.rejected(&rejection),
            Outcome::Failed(failure) => self.writer.failed(&failure),
        }
    }
}

impl Endpoint for ProjectConfigsEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-5.
        Route::from_static(Method::POST, "/v1/client/project_configs")
    }

    fn admitted(&self, verdict: ConfigsVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            ConfigsVerdict::Allowed => self.writer.data(&*self.configs),
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_a_json_object_and_are_sent_as_they_are() {
        let endpoint = ProjectConfigsEndpoint::new().configs(&serde_json::json!({"core": {"a": 1}})).unwrap();
        let body = endpoint.admitted(ConfigsVerdict::Allowed, ()).into_body();
        assert!(str::from_utf8(&body).unwrap().contains(r#"{"core":{"a":1}}"#));
        assert!(ProjectConfigsEndpoint::new().configs(&["no object"]).is_err());
    }
}
