//! FreeRADIUS's `rlm_rest`: `GET /user/{name}/…` with the password in `Authorization`; 204 admits.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// A user who logs in to the network.
pub(crate) struct Login {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

impl Credential for Login {
    type Verdict = bool;
}

pub(crate) struct FreeRadius;

impl Contract for FreeRadius {
    type Credential = Login;
    type Context = ();
    const NAME: &'static str = "freeradius";

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Login, Rejection> {
        let (user, password) = wire::basic::take(&mut head.headers)?;
        let named = head.uri.path().split('/').nth(2).unwrap_or_default();
        if user != named {
            return Err(Rejection::malformed("the path names another user than `Authorization`"));
        }
        Ok(Login { user, password })
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        if let Outcome::Failed(_) = outcome {
            return wire::response::empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let mut response = wire::response::empty(StatusCode::UNAUTHORIZED);
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"radius\""));
        response
    }
}

impl Endpoint for FreeRadius {
    fn route(&self) -> Route {
        Route::prefix("/user/").expect("a path").methods([Method::GET])
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::empty(StatusCode::NO_CONTENT)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tower_verify::{BoxError, verifier_fn};

    use super::*;

    fn ask(path: &str, authorization: &str) -> Response<String> {
        let verifier = verifier_fn(|request: Request<Login>| async move {
            let Login { user, password } = request.body();
            match user.expose_secret() {
                "broken" => Err(BoxError::from("away")),
                user => Ok(user == "john" && *password == "605b32dd"),
            }
        });
        let request = Request::get(path).header("authorization", authorization).body("").unwrap();
        crate::ask(FreeRadius, verifier, request)
    }

    #[test]
    fn the_path_must_name_the_user_who_logs_in() {
        let good = "Basic am9objo2MDViMzJkZA==";
        assert_eq!(ask("/user/john/mac/00-11-22?action=authorize", good).status(), 204);
        for (path, authorization, status) in [
            ("/user/jane/mac/00-11-22", good, 401),
            ("/user/john/mac", "Basic am9objp3cm9uZw==", 401),
            ("/user/john/mac", "", 401),
            ("/user/broken/mac", "Basic YnJva2VuOng=", 503),
            ("/users/john", good, 418),
        ] {
            let response = ask(path, authorization);
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{path}");
        }
    }
}
