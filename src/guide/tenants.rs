//! Several tenants: customers, sites or environments that share one deployment.
//!
//! A call belongs to the tenant that its host or its path names. Anybody can write a host or a path into a request, so
//! that the name alone proves nothing: **each tenant needs its own caller's secret, and credentials that are good for
//! no other tenant.**
//!
//! ```
//! use std::collections::HashMap;
//!
//! use bytes::Bytes;
//! use http::{HeaderMap, Request, Response, Uri, header::HOST};
//! use http_body_util::Full;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError, CallerSecret, RequestHead, Verifier, VerifyLayer,
//!     diyalog::{AUTH_TOKEN, CustomerEndpoint, CustomerToken, CustomerVerdict, Tokens},
//!     token::KeyRing,
//! };
//!
//! /// The tenant that a request is for. HTTP/2 has the host in the URI, HTTP/1.1 in a header.
//! fn tenant<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
//!     let host = uri.host().or_else(|| headers.get(HOST)?.to_str().ok())?;
//!     host.strip_suffix(".verify.example.com")
//! }
//!
//! /// One verifier for all tenants.
//! struct Tenants {
//!     tokens: HashMap<String, Tokens>,
//! }
//!
//! impl Verifier<CustomerToken> for Tenants {
//!     async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!         match tenant(request.uri(), request.headers()).and_then(|tenant| self.tokens.get(tenant)) {
//!             Some(tokens) => tokens.verify(request).await,
//!             None => Ok(CustomerVerdict::InvalidToken),
//!         }
//!     }
//! }
//!
//! # futures::executor::block_on(async {
//! let keys = KeyRing::generate()?; // the tenants may share it: their names are part of each token's signature
//! let (ada, bob) = (Tokens::new("ada", keys.clone())?, Tokens::new("bob", keys)?);
//! let tokens = HashMap::from([("ada".into(), ada.clone()), ("bob".into(), bob)]);
//! let secrets = HashMap::from([
//!     ("ada".to_owned(), CallerSecret::new(AUTH_TOKEN, ["605b32dd"])?),
//!     ("bob".to_owned(), CallerSecret::new(AUTH_TOKEN, ["2f6a0c1e"])?),
//! ]);
//! let layer = VerifyLayer::new(CustomerEndpoint::new(), Tenants { tokens })
//!     .caller_secret_by(move |head: RequestHead<'_>| secrets.get(tenant(head.uri(), head.headers())?).cloned());
//!
//! let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
//! let mut app = ServiceBuilder::new().layer(layer).service(app);
//! let token = ada.customer_token("1234567", "1234")?.token;
//! # let token = token.expose_secret();
//! for (host, secret, status, word) in [
//!     ("ada.verify.example.com", "605b32dd", 200, "Validated"),
//!     ("bob.verify.example.com", "2f6a0c1e", 200, "InvalidToken"), // ada's token
//!     ("ada.verify.example.com", "2f6a0c1e", 401, "BadRequest"),   // bob's secret
//!     ("eve.verify.example.com", "605b32dd", 401, "BadRequest"),   // no tenant: the verifier is not called
//! ] {
//!     let call = format!(r#"{{"deviceId": "1234", "dlgToken": "{token}", "customerNo": "1234567"}}"#);
//!     let call = Request::post("/checkauthtoken").header(HOST, host).header(AUTH_TOKEN, secret).body(call)?;
//!     let answer = app.ready().await?.call(call).await?;
//!     assert_eq!(answer.status(), status);
//! #   let answer = http_body_util::BodyExt::collect(answer.into_body()).await?.to_bytes();
//!     assert_eq!(answer, word);
//! }
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! A proxy in front must pass the host on, as nginx does with `proxy_set_header Host $host`. A host with a port, such
//! as `ada.verify.example.com:8443`, is no tenant of this `tenant` function: it is refused.
//!
//! # By path
//!
//! A route with a prefix matches each tenant's path. The verifier sees the path that arrived:
//!
//! ```
//! use http::{Method, Request};
//! use tower_verify::{ConfigError, RequestHead, Route};
//!
//! fn tenant(path: &str) -> Option<&str> {
//!     path.strip_prefix("/tenants/")?.strip_suffix("/checkauthtoken").filter(|name| !name.contains('/'))
//! }
//!
//! let route = Route::prefix("/tenants/")?
//!     .methods([Method::POST])
//!     .when(|head: RequestHead<'_>| tenant(head.uri().path()).is_some());
//! // VerifyLayer::new(CustomerEndpoint::new(), Tenants { tokens }).route(route)
//!
//! assert!(route.matches(&Request::post("/tenants/ada/checkauthtoken").body(()).unwrap()));
//! assert!(!route.matches(&Request::post("/tenants/ada/other/checkauthtoken").body(()).unwrap()));
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! In axum, `.route_service("/tenants/{tenant}/checkauthtoken", layer.into_service())` does the same.
//!
//! # What else must know the tenant
//!
//! Two tenants can have a customer with the same number. Wherever a customer is named, name the tenant too:
//!
//! | where | how |
//! |---|---|
//! | [`Throttle::new`](crate::policy::Throttle::new) | the principal function returns `format!("{tenant}:{customer_no}")`; otherwise failures at one tenant throttle the other's customer |
//! | [`Cached::new`](crate::policy::Cached::new) | the key function writes the tenant as a `part`; otherwise one tenant is given **another tenant's verdict** |
//! | [`Tokens::new`](crate::diyalog::Tokens::new), [`Signer::new`](crate::token::Signer::new), [`TicketOffice::new`](crate::taptalk::TicketOffice::new) | their argument `tenant` |
//! | a database of yours | `WHERE tenant = ? AND …` |
//! | [`principal`](crate::VerifyLayer::principal) for logs | as for the throttle, if it is known from the credential |
//!
//! Events and metrics have no label for a tenant, as labels must be few. For an observer of each tenant, make a layer
//! for each one, with a [`Route::when`](crate::Route::when) that matches its host.
