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
//! host and your certificate. `session.rs` has the cookie and its check, and `app.rs` the login. `LISTEN` is the
//! address, `127.0.0.1:3000` by default; nobody but nginx may reach it. `SESSION_SECONDS` is how long a cookie is good,
//! 8 hours by default, and `KEY_SECONDS` how long a key signs, a day by default.
//!
//! Keys and sessions are in this process: a restart logs everybody out. Several nodes take a `RedisStore`, and read
//! their keys by `KeyRing::from_env`.

mod app;
mod session;

use std::{
    env,
    time::{Duration, SystemTime},
};

use tokio::net::TcpListener;
use tower_verify::{
    BoxError,
    token::{Key, KeyRing},
};

use self::session::Sessions;

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
    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app::app(sessions)).await?;
    Ok(())
}
