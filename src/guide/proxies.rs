//! Behind a proxy: addresses, TLS, paths, limits and logs. And the other way round: a proxy that asks you first.
//!
//! # The client's address
//!
//! Observers and throttles take the address of the connection by default, which behind a proxy is the proxy's. A header
//! can say the client's, but the client can write that header too. [`ClientAddr`](crate::ClientAddr) counts the proxies
//! that you trust, from the right: each appends the address that it was called from, and everything to the left of
//! these entries is never looked at.
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, ClientAddr, PeerAddr, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
//!     observe::TracingObserver,
//!     policy::Throttle,
//!     store::MemoryStore,
//!     verifier_fn,
//! };
//!
//! # let bank = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//! let client_addr = ClientAddr::x_forwarded_for(2)?; // the load balancer, and nginx behind it
//! let throttled = Throttle::callers(bank, MemoryStore::new(), [7; 32], client_addr);
//! let layer = VerifyLayer::new(CustomerEndpoint::new(), throttled)
//!     .observer(TracingObserver::new())
//!     .client_addr(client_addr);
//! # let _ = layer;
//!
//! let call = Request::post("/checkauthtoken")
//!     // written by the client, appended by the load balancer, appended by nginx
//!     .header("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2")
//!     .extension(PeerAddr("10.0.0.1:4711".parse()?))
//!     .body(())?;
//! assert_eq!(client_addr.find(call.headers(), call.extensions()), Some("203.0.113.9".parse()?));
//! # Ok::<(), BoxError>(())
//! ```
//!
//! | in front of the app | setting |
//! |---|---|
//! | nothing | `ClientAddr::peer()`, the default, and [`PeerAddr`](crate::PeerAddr) set by the host |
//! | one proxy that appends to `X-Forwarded-For` | `ClientAddr::x_forwarded_for(1)?` |
//! | two of them, one behind the other | `ClientAddr::x_forwarded_for(2)?` |
//! | one proxy that *overwrites* `X-Forwarded-For` with the client's address | `ClientAddr::x_forwarded_for(1)?` |
//! | proxies that send `Forwarded` (RFC 7239) | `ClientAddr::forwarded(hops)?` |
//! | a platform that always calls from its own few addresses | a firewall; the address does not tell its users apart |
//!
//! Too many hops let the client choose its address; too few give the address of a proxy, and a throttle of callers then
//! locks out everybody at once. **Nobody may reach the app past the proxies**: bind it to `127.0.0.1` or to a private
//! network. In Lambda there is no connection: API Gateway's `sourceIp` is in the request context.
//!
//! # nginx
//!
//! ```nginx
//! # The query of Diyalog's /CheckToken has a token in it, and so has that of TapTalk's /connect: log the path alone.
//! log_format paths '$remote_addr [$time_local] "$request_method $uri" $status $request_time';
//!
//! upstream app { server 127.0.0.1:3000; keepalive 16; }
//!
//! server {
//!     listen 443 ssl;
//!     server_name verify.example.com;
//!     ssl_certificate     /etc/ssl/verify.example.com.pem;
//!     ssl_certificate_key /etc/ssl/verify.example.com.key;
//!     access_log /var/log/nginx/verify.log paths;
//!
//!     location = /checkauthtoken {
//!         proxy_pass http://app;                     # no path here: the partner's own one is passed on
//!         proxy_http_version 1.1;
//!         proxy_set_header Connection "";
//!         proxy_set_header Host $host;
//!         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
//!         client_max_body_size 64k;                  # more than the layer's 16 KiB
//!         client_body_timeout 10s;
//!         proxy_read_timeout 10s;                    # more than the layer's deadline of 5 s
//!     }
//! }
//! ```
//!
//! * **TLS ends at the proxy.** Nothing in this crate looks at the scheme. Between the proxy and the app, credentials
//!   are readable: keep that on one machine or one private network, or use TLS there too.
//! * **Limits of the proxy answer in the proxy's words.** A body over `client_max_body_size` gets nginx's own `413` in
//!   HTML. The platform reads that as no verdict only if it reads the status. So let the layer's limits be the ones
//!   that are reached: its answer is in the platform's vocabulary, and the observer sees it.
//! * **Buffering.** nginx reads the whole body before it calls the app (`proxy_request_buffering`), so that a client
//!   that sends it drop by drop holds a connection of nginx's and none of yours. Without it, the layer's deadline ends
//!   the call.
//! * **Every `location` sets `X-Forwarded-For`.** One without that line passes the client's own header on, and the
//!   client chooses its address.
//! * **Error pages.** `proxy_intercept_errors on` lets an error page stand in for the app's answer: leave it off, as it
//!   is by default. No error page of a proxy may have the status that the platform reads as admitted.
//! * **nginx's error log** has the whole request line in it, with the query. Treat it as a secret, or keep it short.
//!
//! # Path prefixes
//!
//! The layer compares the path byte for byte with its route. If the proxy passes on `/partner/checkauthtoken`, tell the
//! layer; if it strips the prefix, as `location /partner/ { proxy_pass http://app/; }` does, leave the documented path.
//!
//! ```
//! # use tower_verify::{BoxError, VerifyLayer, diyalog::*, verifier_fn};
//! # let bank = verifier_fn(|_: http::Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//! let layer = VerifyLayer::new(CustomerEndpoint::new(), bank).path("/partner/checkauthtoken")?;
//! # let _ = layer;
//! # Ok::<(), BoxError>(())
//! ```
//!
//! A proxy that decodes `%2F`, merges slashes or adds one at the end changes the path, and the endpoint is not found.
//! An app that answers 200 to any unknown path would then admit for a platform that reads the status alone: have a
//! fallback of 404.
//!
//! # A proxy that asks first
//!
//! A proxy can guard what is no app at all: files, a dashboard, a service that you did not write. Before it passes a
//! request on, it asks your app about the client's credential. The app answers by an endpoint, and the proxy reads the
//! status:
//!
//! | proxy | asks by | says the client's URI in | puts the answer's header over the client's by |
//! |---|---|---|---|
//! | nginx | `auth_request` | a header that you choose | `auth_request_set` and `proxy_set_header` |
//! | Caddy | `forward_auth` | `X-Forwarded-Uri` | `copy_headers` |
//! | Traefik | ForwardAuth | `X-Forwarded-Uri` | `authResponseHeaders` |
//! | Envoy | `ext_authz` over HTTP | the path, after a prefix | `allowed_upstream_headers` |
//! | Envoy | `ext_authz` over gRPC | the message | the `append_action` in the message |
//!
//! The chapter [`new_platform`](super::new_platform#programs-that-are-done) says what each of them reads as admitted, and
//! which setting lets everybody in.
//!
//! `examples/platforms/forward_auth.rs` is one endpoint for the first four, and its header has the traps.
//! `envoy_grpc.rs` beside it answers the fifth by the same endpoint. Each is driven by the real proxy, whose
//! configuration is in `.ci/platforms`. In nginx it is
//!
//! ```nginx
//! location / {
//!     auth_request /check;
//!     auth_request_set $auth_user $upstream_http_x_auth_user;
//!     proxy_set_header X-Auth-User $auth_user;       # in place of what the client has written there
//!     proxy_pass http://the_service;
//! }
//! location = /check {
//!     internal;                                      # a client gets 404
//!     proxy_pass http://app/forward/nginx;
//!     proxy_pass_request_body off;
//!     proxy_set_header Content-Length "";
//!     proxy_set_header X-Original-Method $request_method;
//!     proxy_set_header X-Original-URI $request_uri;
//!     proxy_read_timeout 10s;                        # more than the layer's deadline of 5 s
//! }
//! ```
//!
//! * **The client writes headers too.** Whose credential it was must be in the answer each time, in a header that the
//!   proxy copies over the client's. Which URI the client asked for is in a header that the proxy sets, and each proxy
//!   sets another one: believe that one, and no other.
//! * **No verdict is not a denial**, and no browser should be sent to the login by it. Answer 503, of which nginx makes
//!   a 500. But with `failure_mode_allow`, Envoy lets in at a 5xx: where it may be set, answer 403.
//! * **Deadlines.** The proxy must wait longer than the layer's deadline. Envoy waits 200 ms for a message of gRPC if
//!   nothing else is set.
//! * **A cache of the proxy's** (`proxy_cache` in `/check`) admits after a logout. [`Cached`](crate::policy::Cached) is
//!   in the app, and forgets on demand.
//!
//! For browsers, `examples/nginx_cookie` is whole: nginx guards a static site by a cookie that the app signs at its
//! login, with the configuration to copy. [`wire::cookie`](crate::wire::cookie) reads the cookie, a
//! [`Register`](crate::token::Register) makes it useless at the logout, and
//! [`KeyRing::sign_with`](crate::token::KeyRing::sign_with) changes the key without logging anybody out.
