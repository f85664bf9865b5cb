//! Your own struct and your own database: Talkdesk's authorization validator over accounts in SQLite.
//!
//! A user who activates an integration fills in some fields, and Talkdesk asks whether they are right. serde decodes the
//! fields into `Login`. The verifier looks the account up and compares the password with its Argon2 hash. What it grants,
//! an account number and a new token, is what Talkdesk sends with all later calls.
//!
//! An unknown user costs the same as a wrong password, so the time of an answer does not tell who has an account. After ten
//! failures an account is throttled for a minute.
//!
//! ```console
//! $ cargo run --example sqlite
//! $ curl -d '{"auth": {"username": "ada@example.com", "password": "correct horse"}}' http://127.0.0.1:3000/auth
//! {"account_id":1,"token":"…"}
//! $ curl -d '{"auth": {"username": "ada@example.com", "password": "wrong"}}' http://127.0.0.1:3000/auth
//! {"error":"access_denied","error_description":"the credentials are not valid"}
//! $ curl -d '{"auth": {"username": "nobody@example.com", "password": "wrong"}}' http://127.0.0.1:3000/auth
//! {"error":"access_denied","error_description":"the credentials are not valid"}
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default. `DATABASE_URL` names the database, for example
//! `sqlite:accounts.db?mode=rwc`; by default it is in memory.

use std::env;

use argon2::{
    Argon2,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use axum::Router;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Request;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_verify::{
    BoxError, Secret, Verifier, VerifyLayer,
    policy::Throttle,
    store::MemoryStore,
    talkdesk::{Auth, AuthVerdict, Parameters, Validator},
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, username TEXT UNIQUE, password_hash TEXT);
    CREATE TABLE IF NOT EXISTS token (sha256 BLOB PRIMARY KEY, account_id INTEGER REFERENCES account (id));
";

/// The fields that the integration is configured with at Talkdesk.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: Secret,
}

struct Accounts {
    database: SqlitePool,
    /// The hash that is checked when there is no account. The verdict is a denial, whatever the hash says.
    nobody: String,
}

impl Accounts {
    async fn open(url: &str) -> Result<Self, BoxError> {
        // A database in memory is gone with its last connection, so one connection is kept.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let database = pool.connect(url).await?;
        sqlx::raw_sql(SCHEMA).execute(&database).await?;
        let demo = sqlx::query("INSERT OR IGNORE INTO account (username, password_hash) VALUES (?, ?)");
        demo.bind("ada@example.com").bind(hash("correct horse")?).execute(&database).await?;
        Ok(Self { database, nobody: hash("nobody's password")? })
    }

    /// A new token for the account. The database has its digest alone, which is no use to a reader of the database.
    async fn token(&self, account_id: i64) -> Result<String, BoxError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(random);
        let insert = sqlx::query("INSERT INTO token (sha256, account_id) VALUES (?, ?)");
        insert.bind(Sha256::digest(&token).to_vec()).bind(account_id).execute(&self.database).await?;
        Ok(token)
    }
}

impl Verifier<Auth<Login>> for Accounts {
    async fn verify(&self, request: Request<Auth<Login>>) -> Result<AuthVerdict, BoxError> {
        let Auth(Login { username, password }) = request.into_body();
        let account = sqlx::query_as("SELECT id, password_hash FROM account WHERE username = ?").bind(username);
        let account: Option<(i64, String)> = account.fetch_optional(&self.database).await?;
        let (id, hash) = account.map_or((None, self.nobody.clone()), |(id, hash)| (Some(id), hash));
        // A slow hash would hold up the other tasks of its thread.
        let right = spawn_blocking(move || is_right(&password, &hash)).await??;
        let Some(id) = id.filter(|_| right) else { return Ok(AuthVerdict::Denied) };
        let token = self.token(id).await?;
        Ok(AuthVerdict::Granted(Parameters::new().with("account_id", id).with("token", token)))
    }
}

fn is_right(password: &Secret, hash: &str) -> Result<bool, password_hash::Error> {
    let hash = PasswordHash::new(hash)?;
    match Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

fn hash(password: &str) -> Result<String, password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let accounts = Accounts::open(&env::var("DATABASE_URL").unwrap_or("sqlite::memory:".into())).await?;
    // Passwords can be guessed: the throttle counts failures by account, from all callers together.
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    let account = |request: &Request<Auth<Login>>| Some(request.body().0.username.clone());
    let accounts = Throttle::new(accounts, MemoryStore::new(), key, account);
    let app: Router = Router::new().layer(VerifyLayer::new(Validator::typed::<Login>(), accounts));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
