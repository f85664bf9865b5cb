//! The verifier of all these endpoints, whose users show each outcome.

use std::{future::pending, time::Duration};

use http::{HeaderValue, Request};
use serde_json::{Value, json};
use tower_verify::{
    BoxError, Endpoint, Secret, Verifier, VerifyLayer,
    token::{Checked, Signer},
};

use super::{
    emqx, forward_auth::ClientToken, freeradius, icecast::Client, introspection, mediamtx::Viewer, rabbitmq::Access,
    rmqtt, sftpgo, token_review::Token,
};

/// Knows one user, and has no verdict about three others.
pub(crate) struct Demo;

/// The layer of `endpoint` with these users.
pub(crate) fn layer<E: Endpoint>(endpoint: E) -> VerifyLayer<E, Demo>
where
    Demo: Verifier<E::Credential>,
{
    layer_with(endpoint, Demo)
}

/// The layer of `endpoint`. Its deadline is shorter than each of these programs waits.
pub(crate) fn layer_with<E: Endpoint, V: Verifier<E::Credential>>(endpoint: E, verifier: V) -> VerifyLayer<E, V> {
    VerifyLayer::new(endpoint, verifier).deadline(Duration::from_millis(500))
}

/// Whether there is such a user. Ask your database here; `?` on its errors is right.
async fn is_user(name: &Secret) -> Result<bool, BoxError> {
    match name.expose_secret() {
        "broken" => Err("the database is away".into()),
        "panic" => panic!("the verifier has a bug"),
        "slow" => pending().await,
        _ => Ok(*name == "good" || *name == "good@example.com"),
    }
}

/// Whether this is the user's password.
pub(crate) async fn is_password(name: &Secret, password: &Secret) -> Result<bool, BoxError> {
    Ok(is_user(name).await? && *password == "605b32dd")
}

/// Whose token it is.
async fn owner(token: &Secret) -> Result<Option<String>, BoxError> {
    is_user(token).await?;
    Ok((*token == "605b32dd").then(|| "good".to_owned()))
}

impl Verifier<ClientToken> for Demo {
    async fn verify(&self, request: Request<ClientToken>) -> Result<Option<HeaderValue>, BoxError> {
        let forbidden = request.uri().path().starts_with("/admin/");
        let user = owner(&request.body().0).await?.filter(|_| !forbidden);
        Ok(user.map(HeaderValue::try_from).transpose()?)
    }
}

impl Verifier<freeradius::Login> for Demo {
    async fn verify(&self, request: Request<freeradius::Login>) -> Result<bool, BoxError> {
        let freeradius::Login { user, password } = request.body();
        is_password(user, password).await
    }
}

/// May use the queue `jobs`, and send to it by the topic exchange with keys that begin with `jobs.`.
impl Verifier<Access> for Demo {
    async fn verify(&self, request: Request<Access>) -> Result<bool, BoxError> {
        match request.body() {
            Access::User(user, password) => is_password(user, password).await,
            Access::Vhost(user, vhost) => Ok(is_user(user).await? && *vhost == "/"),
            Access::Resource([user, vhost], [kind, name, permission], key) => {
                let named = match kind.expose_secret() {
                    "queue" => *name == "jobs",
                    "exchange" => *name == "amq.topic" && *permission != "configure",
                    "topic" => key.as_ref().is_some_and(|key| key.expose_secret().starts_with("jobs.")),
                    _ => false,
                };
                Ok(is_user(user).await? && *vhost == "/" && named)
            }
        }
    }
}

/// May hear every mount, and send to `/live`.
impl Verifier<Client> for Demo {
    async fn verify(&self, request: Request<Client>) -> Result<bool, BoxError> {
        let Client { sends, mount, user, password } = request.body();
        Ok(is_password(user, password).await? && (!sends || *mount == "/live"))
    }
}

impl Verifier<Token> for Demo {
    async fn verify(&self, request: Request<Token>) -> Result<Option<String>, BoxError> {
        owner(&request.body().token).await
    }
}

/// The topics of a user of MQTT.
fn is_own_topic(user: &Secret, topic: &Secret) -> bool {
    let rest = topic.expose_secret().strip_prefix(user.expose_secret());
    rest.is_some_and(|rest| rest.starts_with('/') && !rest.contains(['+', '#']))
}

impl Verifier<emqx::Mqtt> for Demo {
    async fn verify(&self, request: Request<emqx::Mqtt>) -> Result<bool, BoxError> {
        match request.body() {
            emqx::Mqtt::Connect(user, password) => is_password(user, password).await,
            emqx::Mqtt::Topic(user, action, topic) => {
                let known = *action == "publish" || *action == "subscribe";
                Ok(is_user(user).await? && known && is_own_topic(user, topic))
            }
        }
    }
}

impl Verifier<rmqtt::Mqtt> for Demo {
    async fn verify(&self, request: Request<rmqtt::Mqtt>) -> Result<bool, BoxError> {
        match request.body() {
            rmqtt::Mqtt::Connect(user, password) => is_password(user, password).await,
            rmqtt::Mqtt::Topic(user, access, topic) => {
                let known = *access == "1" || *access == "2";
                Ok(is_user(user).await? && known && is_own_topic(user, topic))
            }
        }
    }
}

/// May read every stream, and publish none but `live`.
impl Verifier<Viewer> for Demo {
    async fn verify(&self, request: Request<Viewer>) -> Result<bool, BoxError> {
        let Viewer { user, password, action, path } = request.body();
        let may = *action == "read" || *action == "publish" && *path == "live";
        Ok(is_password(user, password).await? && may)
    }
}

impl Verifier<sftpgo::Login> for Demo {
    async fn verify(&self, request: Request<sftpgo::Login>) -> Result<Option<Value>, BoxError> {
        let sftpgo::Login { user, by } = request.body();
        let good = match by {
            sftpgo::By::Password(password) => is_password(user, password).await?,
            sftpgo::By::PublicKey(key) => is_user(user).await? && *key == "ssh-ed25519 AAAA605b32dd",
        };
        let account = || {
            json!({
                "username": "good", "home_dir": "/srv/sftpgo/good", "status": 1,
                "permissions": {"/": ["list", "download", "upload"]},
            })
        };
        Ok(good.then(account))
    }
}

/// Tokens that the app has issued.
pub(crate) struct Sessions(pub(crate) Signer);

impl Verifier<introspection::Token> for Sessions {
    async fn verify(&self, request: Request<introspection::Token>) -> Result<Option<Checked>, BoxError> {
        let introspection::Token(token) = request.body();
        is_user(token).await?;
        Ok(self.0.check(token.expose_secret(), &[]).ok())
    }
}
