//! Several tenants in one app: each has its own path, its own secret of the caller, and its own accounts.
//!
//! Diyalog asks at `/<tenant>/checkauthtoken` whether a customer's token is good, and sends the tenant's secret in the
//! header `Auth-Token`. A secret of one tenant opens no other, and a token of one is unknown at the others: there is one
//! endpoint for each, and it knows nothing of its neighbours. Globex changes its secret at the moment: both values are live.
//!
//! ```console
//! $ cargo run --example tenants
//! $ curl -H 'Auth-Token: acme-secret' -d '{"deviceId": "1", "dlgToken": "a-token", "customerNo": "7"}' http://127.0.0.1:3000/acme/checkauthtoken
//! Validated
//! $ curl -H 'Auth-Token: globex-old' -d '{"deviceId": "1", "dlgToken": "g-token", "customerNo": "7"}' http://127.0.0.1:3000/globex/checkauthtoken
//! Validated
//! $ curl -H 'Auth-Token: globex-new' -d '{"deviceId": "1", "dlgToken": "a-token", "customerNo": "7"}' http://127.0.0.1:3000/globex/checkauthtoken
//! InvalidToken
//! $ curl -H 'Auth-Token: acme-secret' -d '{"deviceId": "1", "dlgToken": "g-token", "customerNo": "7"}' http://127.0.0.1:3000/globex/checkauthtoken
//! BadRequest
//! ```
//!
//! The last answer has the status 401. `LISTEN` is the address, `127.0.0.1:3000` by default.

use std::{collections::HashMap, env};

use axum::Router;
use http::Request;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, CallerSecret, ConfigError, Secret, Verifier, VerifyLayer,
    diyalog::{AUTH_TOKEN, CustomerEndpoint, CustomerToken, CustomerVerdict},
};

/// What is known of one tenant. A real app reads this from its configuration or its database.
struct Tenant {
    name: &'static str,
    /// The live values of its secret: one, or two while it is changed.
    secrets: &'static [&'static str],
    customers: Customers,
}

/// The token and the device of each customer, by the customer's number.
struct Customers(HashMap<&'static str, (Secret, Secret)>);

impl Verifier<CustomerToken> for Customers {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let asked = request.body();
        Ok(match self.0.get(asked.customer_no.expose_secret()) {
            Some((token, device)) if *token == asked.dlg_token && *device == asked.device_id => {
                CustomerVerdict::Validated
            }
            Some((token, _)) if *token == asked.dlg_token => CustomerVerdict::InvalidDeviceId,
            _ => CustomerVerdict::InvalidToken,
        })
    }
}

fn tenants() -> [Tenant; 2] {
    let customers = |token| Customers(HashMap::from([("7", (Secret::from_static(token), Secret::from_static("1")))]));
    [
        Tenant { name: "acme", secrets: &["acme-secret"], customers: customers("a-token") },
        Tenant { name: "globex", secrets: &["globex-new", "globex-old"], customers: customers("g-token") },
    ]
}

/// One endpoint for each tenant, at a path of its own.
fn app(tenants: impl IntoIterator<Item = Tenant>) -> Result<Router, ConfigError> {
    tenants.into_iter().try_fold(Router::new(), |app, tenant| {
        let secret = CallerSecret::new(AUTH_TOKEN, tenant.secrets.iter().copied())?;
        let layer = VerifyLayer::new(CustomerEndpoint::new(), tenant.customers).caller_secret(secret);
        Ok(app.route_service(&format!("/{}/checkauthtoken", tenant.name), layer.into_service()))
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app(tenants())?;
    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
