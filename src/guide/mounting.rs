//! Mounting the layer in axum, hyper, tonic, Lambda, and any other Tower service.
//!
//! The partner calls a path that your app does not know. So the question for each host is whether its layers see
//! requests that match no route. [The table of hosts](crate::layer#mounting) has every way that works, and every way
//! that does not; each of its rows is a test. This chapter has a whole snippet for each host.
//!
//! # axum
//!
//! `Router::layer` wraps the routes and the fallback that the router has *at that moment*. The fallback is where
//! unmatched paths go. So the layer comes last, after all routes, merged routers and the fallback:
//!
//! ```
//! use axum::{Router, body::Body, http::StatusCode, routing::get};
//! use http::Request;
//! use tower::ServiceExt;
//! use tower_verify::{VerifyLayer, diyalog::CustomerEndpoint};
//! # use tower_verify::{BoxError, diyalog::{CustomerToken, CustomerVerdict}, verifier_fn};
//!
//! # futures::executor::block_on(async {
//! # let bank = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "the app" }))
//!     .fallback(|| async { StatusCode::NOT_FOUND })
//!     .layer(VerifyLayer::new(CustomerEndpoint::new(), bank)); // last
//!
//! let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! let answer = app.clone().oneshot(Request::post("/checkauthtoken").body(Body::from(call))?).await?;
//! assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await?, "Validated");
//!
//! let other = app.oneshot(Request::get("/elsewhere").body(Body::empty())?).await?;
//! assert_eq!(other.status(), StatusCode::NOT_FOUND); // the app's own answer
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! Three ways look right and hide the endpoint. A fallback or a merged router that comes *after* the layer takes the
//! unmatched paths; `route_layer` sees matched paths only; and a layer of a nested router never sees paths outside of
//! its prefix.
//!
//! ```
//! use axum::{Router, body::Body, http::StatusCode, routing::get};
//! use http::Request;
//! use tower::ServiceExt;
//! use tower_verify::{VerifyLayer, diyalog::CustomerEndpoint};
//! # use tower_verify::{BoxError, diyalog::{CustomerToken, CustomerVerdict}, verifier_fn};
//!
//! # futures::executor::block_on(async {
//! # let bank = || verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//! let verify = || VerifyLayer::new(CustomerEndpoint::new(), bank());
//! let app = || Router::new().route("/", get(|| async { "the app" }));
//!
//! let too_early = app().layer(verify()).fallback(|| async { StatusCode::NOT_FOUND });
//! let matched_only = app().route_layer(verify());
//! let nested = Router::new().nest("/api", app().layer(verify()));
//! for hidden in [too_early, matched_only, nested] {
//!     let answer = hidden.oneshot(Request::post("/checkauthtoken").body(Body::empty())?).await?;
//!     assert_eq!(answer.status(), StatusCode::NOT_FOUND);
//! }
//!
//! // Inside of `nest`, mount the endpoint as a service: the router matches the path, and the layer ignores it.
//! let api = app().route_service("/checkauthtoken", verify().into_service());
//! let app: Router = Router::new().nest("/api", api);
//! let answer = app.oneshot(Request::post("/api/checkauthtoken").body(Body::empty())?).await?;
//! assert_eq!(answer.status(), StatusCode::OK); // with the word `BadRequest`: the body is empty
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! `axum::serve(listener, app)` serves it. If an observer or a throttle needs the client's address, serve
//! `app.into_make_service_with_connect_info::<SocketAddr>()` and set [`PeerAddr`](crate::PeerAddr), whose documentation
//! has the snippet. `axum::serve` sets no time limit for the head of a request: see [`production`](super::production).
//!
//! # hyper
//!
//! `TowerToHyperService` of hyper-util makes a hyper service of a Tower service. It clones the service for each
//! request, and the clones share the endpoint.
//!
//! ```
//! use std::{convert::Infallible, io};
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hyper::body::Incoming;
//! use hyper_util::{
//!     rt::{TokioExecutor, TokioIo},
//!     server::conn::auto,
//!     service::TowerToHyperService,
//! };
//! use tokio::net::TcpListener;
//! use tower::ServiceBuilder;
//! use tower_verify::{VerifyLayer, diyalog::CustomerEndpoint};
//! # use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpStream};
//! # use tower_verify::{BoxError, Verifier, diyalog::{CustomerToken, CustomerVerdict}};
//! # struct Bank;
//! # impl Verifier<CustomerToken> for Bank {
//! #     async fn verify(&self, _: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//! #         Ok(CustomerVerdict::Validated)
//! #     }
//! # }
//!
//! async fn app(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from("the app")))
//! }
//!
//! async fn serve(listener: TcpListener) -> io::Result<()> {
//!     let verify = VerifyLayer::new(CustomerEndpoint::new(), Bank);
//!     let service = TowerToHyperService::new(ServiceBuilder::new().layer(verify).service_fn(app));
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         let service = service.clone();
//!         tokio::spawn(async move {
//!             let server = auto::Builder::new(TokioExecutor::new()); // HTTP/1.1 and HTTP/2
//!             if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
//!                 eprintln!("a connection ended early: {error}");
//!             }
//!         });
//!     }
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
//! # tokio::spawn(serve(listener));
//! # let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! # let head = "POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
//! # stream.write_all(format!("{head}content-length: {}\r\n\r\n{call}", call.len()).as_bytes()).await?;
//! # let mut answer = String::new();
//! # stream.read_to_string(&mut answer).await?;
//! # assert!(answer.ends_with("\r\n\r\nValidated"), "{answer}");
//! # Ok::<(), io::Error>(()) }).unwrap();
//! ```
//!
//! # tonic
//!
//! gRPC and the partner share a port. tonic speaks HTTP/2 only, unless it is told to accept HTTP/1.1, which most
//! partners send. The inner service's response body must be `From<Bytes>`, and tonic's is not: `map_response` wraps it
//! in a [`ResponseBody`](crate::layer::ResponseBody). gRPC's trailers and streams pass through it.
//!
//! ```
//! use http::Response;
//! use tokio::net::TcpListener;
//! use tonic::{body::Body, transport::{Server, server::TcpIncoming}};
//! use tower::util::MapResponseLayer;
//! use tower_verify::{VerifyLayer, diyalog::CustomerEndpoint, layer::ResponseBody};
//! # use http::Request;
//! # use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpStream};
//! # use tower_verify::{BoxError, Verifier, diyalog::{CustomerToken, CustomerVerdict}};
//! # struct Bank;
//! # impl Verifier<CustomerToken> for Bank {
//! #     async fn verify(&self, _: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//! #         Ok(CustomerVerdict::Validated)
//! #     }
//! # }
//!
//! async fn serve(listener: TcpListener) -> Result<(), tonic::transport::Error> {
//!     let (_reporter, health) = tonic_health::server::health_reporter(); // any gRPC service
//!     Server::builder()
//!         .accept_http1(true)
//!         .layer(VerifyLayer::new(CustomerEndpoint::new(), Bank))
//!         .layer(MapResponseLayer::new(|response: Response<Body>| response.map(ResponseBody::new)))
//!         .add_service(health)
//!         .serve_with_incoming(TcpIncoming::from(listener))
//!         .await
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let mut stream = TcpStream::connect(listener.local_addr()?).await?;
//! # tokio::spawn(serve(listener));
//! # let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! # let head = "POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
//! # stream.write_all(format!("{head}content-length: {}\r\n\r\n{call}", call.len()).as_bytes()).await?;
//! # let mut answer = String::new();
//! # stream.read_to_string(&mut answer).await?;
//! # assert!(answer.ends_with("\r\n\r\nValidated"), "{answer}");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # Lambda
//!
//! API Gateway's stage `$default` leaves the path as the partner sent it. A named stage puts its name before the path:
//! set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH` in the function's environment, or give the layer that path, as with
//! `verify.path("/live/checkauthtoken")?`.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::Response;
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_verify::{BoxError, VerifyLayer, diyalog::CustomerEndpoint};
//! # use http::Request;
//! # use tower_verify::{Verifier, diyalog::{CustomerToken, CustomerVerdict}};
//! # #[derive(Clone)] struct Bank;
//! # impl Verifier<CustomerToken> for Bank {
//! #     async fn verify(&self, _: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//! #         Ok(CustomerVerdict::Validated)
//! #     }
//! # }
//!
//! async fn app(_: lambda_http::Request) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from("the app")))
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let service = ServiceBuilder::new().layer(VerifyLayer::new(CustomerEndpoint::new(), Bank)).service_fn(app);
//! if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
//!     return lambda_http::run(service).await; // in Lambda
//! }
//! // Elsewhere, such as in a test, the same service takes a recorded event:
//! let event = r#"{
//!     "version": "2.0", "routeKey": "$default", "rawPath": "/checkauthtoken", "rawQueryString": "", "headers": {},
//!     "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/checkauthtoken"}},
//!     "body": "{\"deviceId\": \"1234\", \"dlgToken\": \"2121sa\", \"customerNo\": \"1234567\"}",
//!     "isBase64Encoded": false
//! }"#;
//! let answer = service.oneshot(lambda_http::request::from_str(event)?).await?;
//! # let answer = http_body_util::BodyExt::collect(answer.into_body()).await?.to_bytes();
//! assert_eq!(answer, "Validated");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # Any other Tower service
//!
//! `ServiceBuilder::new().layer(verify).service(service)` works for every service whose response body is `From<Bytes>`,
//! as `axum::body::Body` and `Full<Bytes>` are. Any other body becomes one by
//! [`ResponseBody`](crate::layer::ResponseBody). The request's body can be of any type that is a `Body + Send +
//! 'static`.
//!
//! # Several endpoints, and other layers
//!
//! * Put several endpoints into one layer: [`Endpoints`](crate::Endpoints). It reports two endpoints with the same
//!   route as an error when the app starts.
//! * A layer *outside* of this one applies to the partner's calls too. It answers in its own words: tower-http's
//!   timeout layer sends a bare status, for example. So keep outer timeouts longer than this layer's deadline, and
//!   outer body limits larger than its limit.
//! * A layer *inside* does not see the partner's calls, except that the inner service is polled ready for them too.
