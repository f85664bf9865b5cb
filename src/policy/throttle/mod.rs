mod account;
mod bucket;
mod local_accounts;
mod record;
mod reservations;
mod settings;
mod store_key;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use http::Request;

use self::{
    account::{Accounts, Reservation, ReserveError},
    local_accounts::LocalAccounts,
    record::Rules,
    settings::buckets,
    store_key::Prefix,
};
use crate::{
    BoxError, ClientAddr, Credential, SystemClock, Verdict, Verifier,
    clock::millis,
    store::Store,
    token::{KeyedDigest, TagKey},
};

/// Wraps a verifier, and refuses attempts after too many failed ones.
///
/// ```
/// use std::time::Duration;
///
/// use http::Request;
/// use tower_verify::{
///     BoxError, Credential, Failure, FailureKind, Verifier, policy::Throttle, store::MemoryStore, verifier_fn,
/// };
///
/// struct Pin {
///     account: String,
///     pin: u32,
/// }
///
/// impl Credential for Pin {
///     type Verdict = bool;
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let verifier = verifier_fn(|request: Request<Pin>| async move { Ok::<_, BoxError>(request.body().pin == 2580) });
/// let key = [7; 32]; // 32 random bytes, kept with your other secrets
/// let verifier = Throttle::new(verifier, MemoryStore::new(), key, |request: &Request<Pin>| {
///     Some(request.body().account.clone())
/// })
/// .limit(3, Duration::from_secs(15 * 60))?;
///
/// let attempt = async |pin| verifier.verify(Request::new(Pin { account: "ann".to_owned(), pin })).await;
/// for pin in 0..3 {
///     assert!(!attempt(pin).await?);
/// }
/// let failure = Failure::from_error(attempt(2580).await.unwrap_err());
/// assert_eq!(failure.kind(), FailureKind::Throttled); // the right PIN too, for a minute
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// # What to count by
///
/// Use a throttle for secrets that can be guessed: a password, a PIN, a short code. Count them by **principal**, as
/// [`new`](Self::new) does: guesses at one account add up, from whatever addresses they come.
///
/// A random key or token of 128 bits cannot be guessed. To count by its principal protects nothing. It only lets
/// anybody who knows the id of a key or a user lock out the owner, who may be a whole platform. Count such credentials
/// by **caller** with [`callers`](Throttle::callers), to slow down an address that tries many of them. Or count by
/// **principal and caller** with [`per_caller`](Self::per_caller), so that the failures of others do not count against
/// the owner.
///
/// ```
/// use tower_verify::{ClientAddr, SharedVerifier, diyalog::CustomerToken, policy::Throttle, store::SharedStore};
///
/// type Verifier = SharedVerifier<CustomerToken>;
///
/// /// Diyalog's tokens are random: an address that presents many wrong ones is slowed down.
/// ```
///
/// # How it counts
///
/// An attempt fails if its verdict is negative. An attempt without a verdict (an error, a panic, the deadline, a caller
/// that disconnects) does not count. A rejected request does not count either, because it never reaches the verifier.
/// After 10 failures within 15 minutes, the principal is throttled for a minute. Each further failure doubles this
/// wait, up to 15 minutes. During a wait the verifier is not called: even a right credential is refused, with
/// [`Failure::throttled`](crate::Failure::throttled). After a wait, attempts are verified one at a time. When the
/// principal has had no failure for the length of the window, it starts afresh. A success does not shorten this time:
/// the owner's login does not forgive the guesses of others.
///
/// # Concurrent attempts
///
/// An attempt is reserved before the verifier is called. This succeeds only if the limit would hold even if this
/// attempt and all others under way failed: at most ten of fifty concurrent guesses are verified. The other attempts
/// wait until enough attempts are settled. If those failed, the waiting attempts are throttled. If those succeeded, the
/// waiting attempts go on. So none of fifty concurrent valid logins is refused, but only as many are verified at a time
/// as may still fail.
///
/// On each node, waiting attempts go on in the order of their arrival, and at most 100 may wait for one account
/// ([`max_pending`](Self::max_pending)). The first in line is notified of attempts that are settled on the same node.
/// For other nodes it polls the store, every 20 ms at first and every 200 ms at last. An attempt is throttled for a
/// second if it is undecided after two seconds ([`pending_timeout`](Self::pending_timeout)), or if the line is full.
///
/// If the future of a check is dropped, its reservation is settled in the background: as a failure if the verdict was
/// negative, and otherwise without a trace. If the store is unavailable, the reservation is settled when the store is
/// back. The reservation of a node that crashes expires after 30 seconds ([`reservation`](Self::reservation)). This
/// time must be longer than a check may take. A failure that becomes known later still counts.
///
/// # Capacity
///
/// Anybody can make up accounts, so their number is limited: to about 131,000 ([`max_accounts`](Self::max_accounts)),
/// eight in each value of the store. If eight accounts with failures share a value and a ninth one comes, the one with
/// the fewest failures is forgotten. Nobody can choose which accounts share a value. A million guesses at a million
/// accounts neither fill the store nor make the throttle forget an account with several failures.
///
/// # Security
///
/// The store contains no principals: its keys are MACs under the key given to [`new`](Self::new), which all nodes
/// share. If the store is unavailable or full, nobody is verified, unless [`fail_open`](Self::fail_open) is set. An
/// attacker can keep a principal throttled by failing in its name. Against this, throttle [callers](Self::by_caller)
/// too, and give important principals a second way to log in. The clocks of the nodes must agree to a few seconds. Even
/// if they do not, no wait lasts longer than the longest wait from now.
///
/// The counts in the store have a version. A node never overwrites counts of another version: while a release that
/// changes it is rolled out, nodes of one version give no verdict on the accounts that the other ones have counted
/// lately, as if the store were unavailable.
///
/// It needs a tokio runtime. An attempt costs two operations of the store if its principal has not failed lately, and
/// three otherwise.
pub struct Throttle<V, S, P> {
    verifier: V,
    principal: P,
    caller: Option<Caller>,
    per_caller: Option<ClientAddr>,
    tags: TagKey,
    rules: Rules,
    accounts: Accounts<S>,
    fail_open: bool,
}

#[derive(Clone, Copy)]
struct Caller {
    limit: u32,
    address: ClientAddr,
}

impl<V, S, P> Throttle<V, S, P> {
    /// Throttles `verifier` by the principal of each request.
    ///
    /// `principal` returns the principal, such as the account that the credential is for. If it returns `None`, the
    /// verifier is called and nothing is counted. If your app treats different texts as the same principal, such as
    /// upper and lower case, return one form for all of them.
    ///
    /// Throttles that share a store and a `key` share their counts. If the same text can mean different principals, add
    /// a prefix to it.
    pub fn new<C, B>(verifier: V, store: S, key: [u8; 32], principal: P) -> Self
    where
        C: Credential,
        V: Verifier<C>,
        S: Store,
        P: Fn(&Request<C>) -> Option<B> + Send + Sync + 'static,
        B: AsRef<[u8]>,
    {
        let tags = TagKey::new(&key);
        let mut name = tags.begin();
        name.part(b"store");
        Self {
            verifier,
            principal,
            caller: None,
            per_caller: None,
            tags,
            rules: Rules {
                limit: 10,
                window: millis(Duration::from_secs(15 * 60)),
                first_wait: millis(Duration::from_secs(60)),
                longest_wait: millis(Duration::from_secs(15 * 60)),
                reservation: millis(Duration::from_secs(30)),
            },
            accounts: Accounts {
                store: Arc::new(store),
                clock: Arc::new(SystemClock),
                prefix: Prefix::new(&name.end()),
                buckets: buckets(131_072),
                pending_timeout: Duration::from_secs(2),
                max_pending: 100,
                local_accounts: Arc::new(LocalAccounts::default()),
            },
            fail_open: false,
        }
    }

    /// The accounts of an attempt, in the order in which every attempt reserves them.
    ///
    /// # Errors
    /// If the caller's address is required and not known.
    fn accounts<C, B>(&self, request: &Request<C>) -> Result<[Option<(Rules, KeyedDigest)>; 2], BoxError>
    where
        P: Fn(&Request<C>) -> Option<B>,
        B: AsRef<[u8]>,
    {
        let network = |address: ClientAddr| {
            let address = address.find(request.headers(), request.extensions());
            address.map(network).ok_or("the caller's address is not known: set `PeerAddr` on the request")
        };
        let mut accounts = [None; 2];
        if let Some(Caller { limit, address }) = self.caller {
            accounts[0] = Some((Rules { limit, ..self.rules }, self.digest(&[b"caller", &network(address)?])));
        }
        if let Some(name) = (self.principal)(request) {
            let name = name.as_ref();
            let digest = match self.per_caller {
                Some(address) => self.digest(&[b"principal and caller", name, &network(address)?]),
                None => self.digest(&[b"principal", name]),
            };
            accounts[1] = Some((self.rules, digest));
        }
        Ok(accounts)
    }

    fn digest(&self, parts: &[&[u8]]) -> KeyedDigest {
        let mut digest = self.tags.begin();
        parts.iter().for_each(|part| digest.part(part));
        digest.end()
    }
}

/// A principal function that returns `None` for every request.
type NoPrincipal<C> = fn(&Request<C>) -> Option<&'static [u8]>;

impl<V, S> Throttle<V, S, ()> {
    /// Throttles `verifier` only by the address of each caller, for credentials that cannot be guessed.
    ///
    /// The limit is 10 failures: see [`by_caller`](Throttle::by_caller).
    pub fn callers<C>(verifier: V, store: S, key: [u8; 32], address: ClientAddr) -> Throttle<V, S, NoPrincipal<C>>
    where
        C: Credential,
        V: Verifier<C>,
        S: Store,
    {
        let nobody: NoPrincipal<C> = |_| None;
        let throttle = Throttle::new(verifier, store, key, nobody);
        let limit = throttle.rules.limit;
        Throttle { caller: Some(Caller { limit, address }), ..throttle }
    }
}

impl<C, V, S, P, B> Verifier<C> for Throttle<V, S, P>
where
    C: Credential,
    V: Verifier<C>,
    S: Store,
    P: Fn(&Request<C>) -> Option<B> + Send + Sync + 'static,
    B: AsRef<[u8]>,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        let mut reservations = [None, None];
        for (place, account) in reservations.iter_mut().zip(self.accounts(&request)?) {
            let Some((rules, digest)) = account else { continue };
            match Reservation::new(&self.accounts, rules, digest).await {
                Ok(reservation) => *place = Some(reservation),
                Err(ReserveError::Unavailable(_)) if self.fail_open => {}
                Err(ReserveError::Unavailable(error)) => return Err(error),
                Err(ReserveError::Throttled(failure)) => return Err(failure.into()),
            }
        }
        let verdict = self.verifier.verify(request).await;
        let failed = verdict.as_ref().is_ok_and(|verdict| !verdict.admits());
        // Mark all before awaiting any: the caller may disconnect in the meantime.
        reservations.iter_mut().flatten().for_each(|reservation| reservation.set_failed(failed));
        for reservation in reservations.iter_mut().flatten() {
            let settled = reservation.settle().await;
            // A guess that could not be counted gets no verdict. A right credential is admitted even if its reservation
            // could not be released, because that expires.
            if failed && !self.fail_open {
                settled?;
            }
        }
        verdict
    }
}

/// The network that is assumed to belong to one caller: an IPv4 address, or a /64 of IPv6.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => Ipv6Addr::octets(&address)[..8].to_vec(),
    }
}

impl<V, S, P> fmt::Debug for Throttle<V, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("rules", &self.rules)
            .field("fail_open", &self.fail_open)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
