//! A stand-in for TapTalk's ticket server, within the process.

use axum::Router;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, VerifyLayer,
    store::MemoryStore,
    taptalk::{ApiKey, ApiKeys, AuthTicketEndpoint, TicketOffice},
    token::KeyRing,
};

/// Starts the server, which gives tickets to a backend with this key. Returns its URL.
pub(crate) async fn start(server_key: ApiKey) -> Result<String, BoxError> {
    let office = TicketOffice::new("stand-in", MemoryStore::new(), KeyRing::generate()?)?;
    let office = office.server_keys(ApiKeys::new([server_key])?);
    let app: Router = Router::new().layer(VerifyLayer::new(AuthTicketEndpoint::new(), office));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}
