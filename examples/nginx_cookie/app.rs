//! The app's own pages: a login, a logout, and one that nginx guards.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header::SET_COOKIE},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;
use tower_verify::{BoxError, Secret, VerifyLayer, wire};

use crate::session::{Session, Sessions, SiteCheck};

type Answer = Result<Response, (StatusCode, &'static str)>;

/// The form is sent to the address that it has, with the page that the browser wanted in the query.
const FORM: &str = r#"<!doctype html><title>Log in</title><form method="post">
<label>User <input name="user" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>"#;

fn unavailable(_: BoxError) -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
}

/// The login is the app's own. Here there is one user.
async fn login(State(sessions): State<Sessions>, uri: Uri, form: Bytes) -> Answer {
    let form = wire::text(form).map_err(|_| (StatusCode::BAD_REQUEST, "this is no login"))?;
    let fields = wire::query::parameters(&form, &["user", "password"]);
    let [user, password] = fields.map_err(|_| (StatusCode::BAD_REQUEST, "this is no login"))?;
    let right = Secret::from_static("605b32dd") == *password.unwrap_or_default();
    if !right || user.as_deref() != Some("ada") {
        return Err((StatusCode::FORBIDDEN, "the user or the password is wrong"));
    }
    let cookie = sessions.begin("ada").await.map_err(unavailable)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to(wanted(&uri))).into_response())
}

/// The page of this site that the browser wanted: `/login?next=/page`, where `/page` is not encoded.
fn wanted(uri: &Uri) -> &str {
    let next = uri.query().and_then(|query| query.strip_prefix("next=")).unwrap_or_default();
    // `//host` and `/\host` are pages of another site.
    if next.starts_with('/') && !next[1..].starts_with(['/', '\\']) { next } else { "/" }
}

async fn logout(State(sessions): State<Sessions>, mut headers: HeaderMap) -> Answer {
    let Ok(session) = Session::take(&mut headers) else { return Ok(Redirect::to("/login").into_response()) };
    let removal = sessions.end(session).await.map_err(unavailable)?;
    Ok(([(SET_COOKIE, removal)], Redirect::to("/login")).into_response())
}

/// A page of the app behind the same check: nginx says in `X-Auth-User` whose cookie it was.
async fn whoami(headers: HeaderMap) -> Answer {
    let user = wire::header::text(&headers, "x-auth-user").map_err(|_| (StatusCode::FORBIDDEN, "nginx did not ask"))?;
    Ok(user.to_owned().into_response())
}

/// Refuses the forms of other sites, which would log their visitors in or out here. A browser says whose form it is.
async fn own_forms(request: Request, next: Next) -> Response {
    match request.headers().get("sec-fetch-site") {
        Some(site) if site != "same-origin" && request.method() == "POST" => StatusCode::FORBIDDEN.into_response(),
        _ => next.run(request).await,
    }
}

/// The app, with the check that nginx asks in front of it.
pub(crate) fn app(sessions: Sessions) -> Router {
    Router::new()
        .route("/login", get(Html(FORM)).post(login))
        .route("/logout", post(logout))
        .route("/whoami", get(whoami))
        .with_state(sessions.clone())
        .layer(middleware::from_fn(own_forms))
        .layer(VerifyLayer::new(SiteCheck, sessions))
}
