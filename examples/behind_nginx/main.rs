//! Behind nginx: TLS ends in the proxy, and callers are told apart by the address that the proxy says.
//!
//! Diyalog asks `GET /CheckToken` whether an agent's token is good. The app listens on the loopback address, where nginx
//! alone calls it, and takes the client's address from the last entry of `X-Forwarded-For`, which is nginx's own. What a
//! client writes into that header stands before it and is never looked at; from any other peer than the proxy the header
//! is removed. After ten wrong tokens from one address, that address is throttled for a minute, and no other one is.
//!
//! ```console
//! $ cargo run --example behind_nginx
//! $ curl 'http://127.0.0.1:3000/CheckToken?sessionId=s-7&token=b1f0&userNo=45186'
//! {"success":true,"result":"agent 45186 verified"}
//! $ curl 'http://127.0.0.1:3000/CheckToken?sessionId=s-7&token=wrong&userNo=45186'
//! {"success":false,"errorMessage":"token not valid","result":"InvalidToken"}
//! ```
//!
//! For nginx, copy `nginx.conf` to `/etc/nginx/conf.d/verify.conf` and put in your host and your certificate. The same
//! calls are then answered at `https://verify.example.com/CheckToken`. `LISTEN` is the address of the app,
//! `127.0.0.1:3000` by default, and `PROXY` the one that nginx calls from, `127.0.0.1` by default.

use std::{
    env,
    net::{IpAddr, SocketAddr},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::Response,
};
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, ClientAddr, PeerAddr, Verifier, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict},
    policy::Throttle,
    store::MemoryStore,
};

/// Knows the token of one agent's session.
struct Agents;

impl Verifier<AgentToken> for Agents {
    async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
        let AgentToken { session_id, token, user_no, .. } = request.into_body();
        Ok(match (user_no == "45186" && token == "b1f0", session_id == "s-7") {
            (true, true) => AgentVerdict::validated(user_no),
            (true, false) => AgentVerdict::InvalidSessionId,
            (false, _) => AgentVerdict::InvalidToken,
        })
    }
}

/// Says whose connection it is, and believes `X-Forwarded-For` from the proxy alone.
async fn peer(
    State(proxy): State<IpAddr>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if address.ip().to_canonical() != proxy {
        request.headers_mut().remove("x-forwarded-for");
    }
    request.extensions_mut().insert(PeerAddr(address));
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let proxy: IpAddr = env::var("PROXY").unwrap_or("127.0.0.1".into()).parse()?;
    // One proxy stands between the clients and the app.
    let client_addr = ClientAddr::x_forwarded_for(1)?;
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    // A random token cannot be guessed: the throttle slows down an address that tries many, and locks out no agent.
    let agents = Throttle::callers(Agents, MemoryStore::new(), key, client_addr);
    let app = Router::new()
        .layer(VerifyLayer::new(AgentEndpoint::new(), agents))
        .layer(middleware::from_fn_with_state(proxy, peer));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
