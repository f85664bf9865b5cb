use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{
    CallerSecret, Verify, VerifyService,
    check::{Check, Protections},
};
use crate::{Endpoint, Route, Verifier};

/// Adds one endpoint to a service, answered by a verifier; every other request passes through.
///
/// It protects the verifier from the first day on:
///
/// | protection | default | setter |
/// |---|---|---|
/// | limit of the body | 16 KiB | [`body_limit`](Self::body_limit) |
/// | deadline over reading and verifying together | 5 s | [`deadline`](Self::deadline) |
/// | secret that the caller must present in a header | none | [`caller_secret`](Self::caller_secret) |
/// | panics of the verifier are failures like others | always | |
/// | `Cache-Control: no-store` on every answer | always | |
///
/// Cloning it is cheap, and so is applying it to many services: they share the endpoint and the verifier.
pub struct VerifyLayer<E, V> {
    route: Route,
    endpoint: Arc<E>,
    verifier: Arc<V>,
    protections: Protections,
    enabled: bool,
}

impl<E, V> VerifyLayer<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    /// A layer that answers `endpoint` with the verdicts of `verifier`.
    pub fn new(endpoint: E, verifier: V) -> Self {
        Self {
            route: endpoint.route().clone(),
            endpoint: Arc::new(endpoint),
            verifier: Arc::new(verifier),
            protections: Protections::default(),
            enabled: true,
        }
    }
}

impl<E, V> VerifyLayer<E, V> {
    /// The most bytes that a request's body may have. The default is 16 KiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.protections.body_limit = bytes;
        self
    }

    /// How long reading the body and verifying the credential may take together. The default is 5 s.
    ///
    /// The timer is tokio's and is armed only when something is pending. A call that has to wait outside of a tokio
    /// runtime with timers enabled fails, as one that ran out of time does.
    #[cfg(feature = "deadline")]
    pub fn deadline(mut self, limit: std::time::Duration) -> Self {
        self.protections.deadline = Some(limit);
        self
    }

    /// Waits for the verifier however long it takes: for runtimes other than tokio, or a verifier with a deadline of its
    /// own.
    #[cfg(feature = "deadline")]
    pub fn without_deadline(mut self) -> Self {
        self.protections.deadline = None;
        self
    }

    /// A secret that the caller must present in a header. By default there is none: not every platform can send one.
    pub fn caller_secret(mut self, secret: CallerSecret) -> Self {
        self.protections.caller = Some(secret);
        self
    }

    /// Whether the endpoint is served at all. If not, its requests pass through like any other, and a
    /// service [of its own](Self::into_service) answers all of them with `404`. The default is `true`.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The endpoint as a service of its own, without an inner one: for a router that matches the path itself, such as
    /// `axum::Router::route_service`.
    pub fn into_service(self) -> VerifyService<E, V> {
        VerifyService::new(self.enabled.then(|| self.check()))
    }

    fn check(&self) -> Arc<Check<E, V>> {
        Arc::new(Check {
            route: self.route.clone(),
            endpoint: Arc::clone(&self.endpoint),
            verifier: Arc::clone(&self.verifier),
            protections: self.protections.clone(),
        })
    }
}

impl<S, E, V> Layer<S> for VerifyLayer<E, V> {
    type Service = Verify<S, E, V>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, self.enabled.then(|| self.check()))
    }
}

impl<E, V> Clone for VerifyLayer<E, V> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
            endpoint: Arc::clone(&self.endpoint),
            verifier: Arc::clone(&self.verifier),
            protections: self.protections.clone(),
            enabled: self.enabled,
        }
    }
}

impl<E, V> fmt::Debug for VerifyLayer<E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("route", &self.route)
            .field("protections", &self.protections)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}
