//! TapTalk.io's endpoints around a login under the laws: logout, a project's settings, and the update of a user.

use bytes::Bytes;
use http::{Request, Response};
use proptest::{prelude::*, sample::select};
use tower_verify::taptalk::{
    AccessVerdict, ConfigsVerdict, LogoutEndpoint, ProjectConfigsEndpoint, UserUpdateEndpoint, UserVerdict,
};

use crate::{
    laws::Subject,
    laws_taptalk::{
        APP_KEYS, BEARERS, Headers, NO_KEYS, SECRET, SERVER_KEYS, access_verdicts, admitted, any_body, bearer_and_key,
        documented, has_one_of, header, key_refusals, request, subjects,
    },
};

subjects! {
    logouts: LogoutSubject, "/v1/client/logout";
    project_configs: ConfigsSubject, "/v1/client/project_configs";
    user_updates: UserUpdateSubject, "/v1/server/user/update";
}

impl Subject for LogoutSubject {
    type Endpoint = LogoutEndpoint;

    fn endpoint(&self) -> LogoutEndpoint {
        LogoutEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<AccessVerdict> {
        access_verdicts()
    }

    fn fit_request(&self) -> Request<Bytes> {
        Self::request(&vec![("authorization", BEARERS[0]), ("app-key", APP_KEYS[0])], b"{}".to_vec())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        bearer_and_key(Self::request)
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        has_one_of(request, "authorization", BEARERS) && has_one_of(request, "app-key", APP_KEYS)
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}

impl Subject for ConfigsSubject {
    type Endpoint = ProjectConfigsEndpoint;

    fn endpoint(&self) -> ProjectConfigsEndpoint {
        let configs = std::collections::BTreeMap::from([("core", SECRET)]);
        ProjectConfigsEndpoint::new().configs(&configs).unwrap().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<ConfigsVerdict> {
        [ConfigsVerdict::Allowed].into_iter().chain(key_refusals().map(ConfigsVerdict::KeyRefused)).collect()
    }

    fn fit_request(&self) -> Request<Bytes> {
        // The web SDK sends an empty `Authorization`.
        Self::request(&vec![("authorization", ""), ("app-key", APP_KEYS[0])], b"{}".to_vec())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        bearer_and_key(Self::request)
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        has_one_of(request, "app-key", APP_KEYS)
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}

const USERS: &[&str] = &[
    r#"{"xcUserID":"287","fullName":"Ann"}"#,
    r#"{"fullName":"Ann","email":null,"phone":"","xcUserID":"287","userPlatform":7}"#,
];

const NO_USERS: &[&str] = &[
    "",
    "{}",
    r#"{"xcUserID":"287"}"#,
    r#"{"fullName":"Ann"}"#,
    r#"{"xcUserID":"","fullName":"Ann"}"#,
    r#"{"xcUserID":"287","fullName":"Ann","email":7}"#,
    r#"{"xcUserID":"287","fullName":"Ann","fullName":"Ann"}"#,
    r#"{"xcUserID":"287","fullName":"Ann"} {}"#,
    "\u{e9}",
];

impl Subject for UserUpdateSubject {
    type Endpoint = UserUpdateEndpoint;

    fn endpoint(&self) -> UserUpdateEndpoint {
        UserUpdateEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<UserVerdict> {
        let saved = UserVerdict::Saved(SECRET.to_owned());
        [saved].into_iter().chain(key_refusals().map(UserVerdict::KeyRefused)).collect()
    }

    fn fit_request(&self) -> Request<Bytes> {
        Self::request(&vec![("server-key", SERVER_KEYS[0])], USERS[0].into())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let body = prop_oneof![select(USERS), select(NO_USERS)].prop_map(|body| body.as_bytes().to_vec());
        (header("server-key", SERVER_KEYS, NO_KEYS), prop_oneof![4 => body, 1 => any_body()])
            .prop_map(|(headers, body)| Self::request(&headers, body))
            .boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        has_one_of(request, "server-key", SERVER_KEYS) && USERS.iter().any(|user| *user == request.body())
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}
