//! nginx guards a static site, and this app knows who may see it: a login, a signed cookie, and a logout.
//!
//! nginx serves the files in `site`. Before each, its `auth_request` asks `GET /check` whose cookie this is. Without a
//! good one the browser is sent to `/login`, and from there back to the page that it wanted. The cookie is a token of a
//! `Signer`: no script can read it, no other site can send it, and a logout makes it useless. A new key signs each day,
//! and nobody is logged out by it. If this app is gone, nobody sees the site.
//!
//! ```console
//! $ cargo run --example nginx_cookie
//! $ curl -d 'user=ada&password=guess' http://127.0.0.1:3000/login
//! the user or the password is wrong
//! $ curl -c jar -d 'user=ada&password=605b32dd' http://127.0.0.1:3000/login
//! $ curl -b jar -w '%{http_code}' http://127.0.0.1:3000/check
//! 200
//! $ curl -w '%{http_code}' http://127.0.0.1:3000/check
//! 401
//! $ curl -b jar -X POST http://127.0.0.1:3000/logout
//! $ curl -b jar -w '%{http_code}' http://127.0.0.1:3000/check
//! 401
//! ```
//!
//! For nginx, copy `nginx.conf` to `/etc/nginx/conf.d/site.conf` and the folder `site` to `/srv/site`, and put in your
//! host and your certificate. `session.rs` has the cookie and its check. `LISTEN` is the address, `127.0.0.1:3000` by
//! default; nobody but nginx may reach it. `SESSION_SECONDS` is how long a cookie is good, 8 hours by default, and
//! `KEY_SECONDS` how long a key signs, a day by default.
//!
//! Keys and sessions are in this process: a restart logs everybody out. Several nodes take a `RedisStore`, and read
//! their keys by `KeyRing::from_env`.

mod session;

use std::{
    env,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header::SET_COOKIE},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, Secret, VerifyLayer,
    token::{Key, KeyRing},
    wire,
};

use self::session::{Session, Sessions, SiteCheck};

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

/// Signs with a new key from time to time. The old one verifies until its last cookie has expired.
async fn change_keys(ring: KeyRing, every: Duration, lifetime: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let changed = Key::generate().and_then(|key| ring.sign_with(key, SystemTime::now() + lifetime));
        if let Err(error) = changed {
            eprintln!("the old key goes on: {error}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let seconds = |name, default: &str| env::var(name).unwrap_or(default.into()).parse().map(Duration::from_secs);
    let (lifetime, every) = (seconds("SESSION_SECONDS", "28800")?, seconds("KEY_SECONDS", "86400")?);
    let keys = KeyRing::generate()?;
    let sessions = Sessions::new(keys.clone(), lifetime)?;
    tokio::spawn(change_keys(keys, every, lifetime));

    let app = Router::new()
        .route("/login", get(Html(FORM)).post(login))
        .route("/logout", post(logout))
        .route("/whoami", get(whoami))
        .with_state(sessions.clone())
        .layer(middleware::from_fn(own_forms))
        .layer(VerifyLayer::new(SiteCheck, sessions));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
