use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::request::Parts;

use super::watch::PrincipalOf;
use crate::{
    CallerSecret, ClientAddr, Failure, Outcome, Rejection, RequestHead, caller::SharedCallerCheck, observe::Observer,
};

/// The protections of one endpoint or guard.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) enabled: bool,
    pub(super) body_limit: usize,
    pub(super) buffer: Arc<Buffer>,
    pub(super) deadline: Option<Duration>,
    pub(super) caller_secret: Option<ChosenSecret>,
    /// The caller's secret, if it is the same one for every request.
    pub(super) one_caller_secret: Option<CallerSecret>,
    pub(super) caller_check: Option<SharedCallerCheck>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) client_addr: ClientAddr,
    pub(super) principal: Option<Arc<PrincipalOf>>,
}

/// The caller's secret for a request with this head.
pub(super) type ChosenSecret = Arc<dyn Fn(RequestHead<'_>) -> Option<CallerSecret> + Send + Sync>;

impl Settings {
    /// The defaults, with this limit on the body.
    pub(super) fn with_body_limit(body_limit: usize) -> Self {
        Self {
            enabled: true,
            body_limit,
            buffer: Arc::new(Buffer::new(64 * 1024 * 1024)),
            deadline: Some(Duration::from_secs(5)),
            caller_secret: None,
            one_caller_secret: None,
            caller_check: None,
            observer: None,
            client_addr: ClientAddr::default(),
            principal: None,
        }
    }

    /// Runs the checks that come before the body is read.
    pub(super) fn check<V>(&self, head: &mut Parts) -> Result<(), Outcome<V>> {
        if !self.enabled {
            return Err(Failure::disabled().into());
        }
        let Some(chosen) = &self.caller_secret else { return Ok(()) };
        let secret = chosen(RequestHead::from_parts(head)).ok_or_else(Rejection::unknown_caller)?;
        Ok(secret.check(&mut head.headers)?)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("enabled", &self.enabled)
            .field("body_limit", &self.body_limit)
            .field("buffer_limit", &self.buffer.limit)
            .field("deadline", &self.deadline)
            .field("caller_secret", &self.caller_secret.is_some())
            .field("caller_header", &self.one_caller_secret.as_ref().map(CallerSecret::header))
            .field("caller_check", &self.caller_check.is_some())
            .field("observer", &self.observer.is_some())
            .field("client_addr", &self.client_addr)
            .field("principal", &self.principal.is_some())
            .finish()
    }
}

/// The bytes of incomplete bodies that one endpoint or guard may hold at once.
#[derive(Debug)]
pub(super) struct Buffer {
    limit: usize,
    held: AtomicUsize,
}

impl Buffer {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0) }
    }
}

/// A share of a [`Buffer`], given back when it is dropped.
pub(super) struct Share {
    buffer: Arc<Buffer>,
    bytes: usize,
}

impl Share {
    pub(super) fn new(buffer: &Arc<Buffer>) -> Self {
        Self { buffer: Arc::clone(buffer), bytes: 0 }
    }

    /// Grows to `bytes`, or returns `false` if the buffer has no room.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let room = |held: usize| held.checked_add(more).filter(|held| *held <= self.buffer.limit);
        let grown = more == 0 || self.buffer.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if grown {
            self.bytes += more;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.buffer.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The setters that the layers of an endpoint and of a guard have in common.
macro_rules! protection_setters {
    ($contract:ident, default body limit: $limit:literal) => {
        #[doc = concat!("The largest body that is read, in bytes. The default is ", $limit, ".")]
        pub fn body_limit(mut self, bytes: usize) -> Self {
            self.settings().body_limit = bytes;
            self
        }

        /// The bytes of incomplete bodies that may be held at once, over all requests. The default is 64 MiB.
        ///
        /// A request that exceeds it fails as [overloaded](crate::FailureKind::Overloaded). Clones of the layer, and
        /// the services that they make, share the limit. A body that arrives at once is not counted.
        pub fn buffer_limit(mut self, bytes: usize) -> Self {
            self.settings().buffer = std::sync::Arc::new(super::settings::Buffer::new(bytes));
            self
        }

        /// The time that reading the body and verifying the credential may take together. The default is 5 s.
        ///
        /// The timer is tokio's. It is armed only if the body or the verifier is pending. Outside of a tokio runtime
        /// with time enabled, a request that has to wait fails.
        #[cfg(feature = "deadline")]
        pub fn deadline(mut self, limit: std::time::Duration) -> Self {
            self.settings().deadline = Some(limit);
            self
        }

        /// Waits for the body and the verifier without a deadline.
        ///
        /// It is for other runtimes than tokio, and for a verifier with a deadline of its own.
        #[cfg(feature = "deadline")]
        pub fn without_deadline(mut self) -> Self {
            self.settings().deadline = None;
            self
        }

        /// A secret that the caller must present in a header. The default is none: not every platform can send one.
        ///
        /// The header is removed: neither the verifier nor a guarded app sees it.
        pub fn caller_secret(self, secret: crate::CallerSecret) -> Self {
            let one = secret.clone();
            let mut layer = self.caller_secret_by(move |_| Some(secret.clone()));
            layer.settings().one_caller_secret = Some(one);
            layer
        }

        /// A caller's secret that is chosen by the request's host, path or headers, such as one for each tenant.
        ///
        /// If there is none for a request, the request is refused as one of an unknown caller.
        pub fn caller_secret_by(
            mut self,
            secret: impl Fn(crate::RequestHead<'_>) -> Option<crate::CallerSecret> + Send + Sync + 'static,
        ) -> Self {
            let settings = self.settings();
            settings.caller_secret = Some(std::sync::Arc::new(secret));
            settings.one_caller_secret = None;
            self
        }

        /// A check of the caller over the whole request, such as the check of a signature. The default is none.
        ///
        /// It runs after the caller's secret is checked and the body is read, and before the credential is decoded. The
        /// deadline covers it.
        pub fn caller_check(mut self, check: impl crate::CallerCheck) -> Self {
            self.settings().caller_check = Some(crate::caller::SharedCallerCheck::new(check));
            self
        }

        /// The observer that sees how each call ends. The default is none, which costs nothing, not even a clock
        /// reading.
        ///
        /// There is one observer; for several, give a tuple of them. Share one between layers by cloning an `Arc`.
        pub fn observer(mut self, observer: impl crate::observe::Observer) -> Self {
            self.settings().observer = Some(std::sync::Arc::new(observer));
            self
        }

        /// How the [client's address](crate::observe::Event::client) is found for the observer.
        ///
        /// The default is the address of the connection, [`ClientAddr::peer`](crate::ClientAddr::peer), which the host
        /// must provide.
        pub fn client_addr(mut self, client_addr: crate::ClientAddr) -> Self {
            self.settings().client_addr = client_addr;
            self
        }

        /// Tells the observer whose credential it is, by a pseudonym. The default is to tell nothing.
        ///
        /// `principal` returns `None` if the credential names nobody. See [`Pseudonyms`](crate::observe::Pseudonyms).
        pub fn principal(
            mut self,
            principal: impl Fn(&$contract::Credential) -> Option<crate::observe::Pseudonym> + Send + Sync + 'static,
        ) -> Self
        where
            $contract: Contract,
        {
            let principal = move |credential: &dyn std::any::Any| principal(credential.downcast_ref()?);
            self.settings().principal = Some(std::sync::Arc::new(principal));
            self
        }

        /// Replaces the path of the route and keeps its methods.
        ///
        /// # Errors
        /// If no request can have this path.
        pub fn path(mut self, path: &str) -> Result<Self, crate::ConfigError> {
            let admission = std::sync::Arc::make_mut(&mut self.admission);
            admission.route = admission.route.clone().with_path(path)?;
            Ok(self)
        }

        fn settings(&mut self) -> &mut super::settings::Settings {
            &mut std::sync::Arc::make_mut(&mut self.admission).settings
        }
    };
}

pub(super) use protection_setters;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let settings = Settings::with_body_limit(16 * 1024);
        assert_eq!((settings.buffer.limit, settings.deadline), (67_108_864, Some(Duration::from_secs(5))));
        assert!(settings.enabled && settings.caller_secret.is_none() && settings.caller_check.is_none());
    }

    #[test]
    fn a_buffer_has_room_for_its_limit_and_gets_shares_back() {
        let buffer = Arc::new(Buffer::new(10));
        let mut first = Share::new(&buffer);
        assert!(first.grow(6) && first.grow(6) && first.grow(3));
        let mut second = Share::new(&buffer);
        assert!(second.grow(4) && !second.grow(5) && !first.grow(usize::MAX));
        drop(first);
        assert!(second.grow(10));
        drop(second);
        assert_eq!(buffer.held.load(Ordering::Relaxed), 0);
    }
}
