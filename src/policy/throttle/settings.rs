use std::{sync::Arc, time::Duration};

use super::{Caller, Throttle, bucket::SLOTS};
use crate::{ClientAddr, Clock, ConfigError, clock::millis};

impl<V, S, P> Throttle<V, S, P> {
    /// Counts a principal's failures separately for each caller's address. The default counts them together.
    ///
    /// Failures from other addresses then do not lock out the principal. The address is required: see
    /// [`by_caller`](Self::by_caller).
    pub fn per_caller(mut self, address: ClientAddr) -> Self {
        self.per_caller = Some(address);
        self
    }

    /// Sets the approximate number of accounts that are counted at a time. The default is 131,072.
    ///
    /// Principals and callers count together: see [Capacity](Self#capacity). Each account takes some 60 bytes of the
    /// store, and 8 more for each remembered failure. The number must be the same on all nodes.
    pub fn max_accounts(mut self, accounts: usize) -> Self {
        self.accounts.buckets = buckets(accounts);
        self
    }

    /// Sets how many attempts at one account may wait on this node. The default is 100.
    pub fn max_pending(mut self, attempts: usize) -> Self {
        self.accounts.max_pending = attempts.max(1);
        self
    }

    /// Sets how many attempts at a principal may fail within which time. The default is 10 within 15 minutes.
    ///
    /// # Errors
    /// If `failures` is zero: nothing could be verified.
    pub fn limit(mut self, failures: u32, window: Duration) -> Result<Self, ConfigError> {
        self.rules.limit = at_least_one(failures)?;
        self.rules.window = millis(window);
        Ok(self)
    }

    /// Sets the first wait of a throttled principal, and the longest one. The defaults are a minute and 15 minutes.
    ///
    /// Each further failure doubles the wait.
    ///
    /// # Errors
    /// If either is less than a millisecond: nothing would be throttled.
    pub fn waits(mut self, first: Duration, longest: Duration) -> Result<Self, ConfigError> {
        self.rules.first_wait = at_least_a_millisecond("the first wait", first)?;
        self.rules.longest_wait = at_least_a_millisecond("the longest wait", longest)?;
        Ok(self)
    }

    /// Sets how long an attempt waits for others to be settled. The default is 2 s.
    ///
    /// It should be less than the layer's deadline.
    pub fn pending_timeout(mut self, pending_timeout: Duration) -> Self {
        self.accounts.pending_timeout = pending_timeout;
        self
    }

    /// Sets when the reservation of an attempt that is never settled expires. The default is 30 s.
    ///
    /// It must be more than the layer's deadline.
    ///
    /// # Errors
    /// If `ttl` is less than a millisecond: concurrent attempts would not see each other.
    pub fn reservation(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.rules.reservation = at_least_a_millisecond("the reservation", ttl)?;
        Ok(self)
    }

    /// Throttles callers by their address too: after `failures` within the window, at whatever principals.
    ///
    /// `address` finds the caller's address: that of the connection, or the one that trusted proxies give. An attempt
    /// without a known address fails without a verdict: the host must set [`PeerAddr`](crate::PeerAddr). In an IPv6
    /// address, the first 64 bits count. One address can stand for many callers, such as all calls of a platform.
    ///
    /// # Errors
    /// If `failures` is zero.
    pub fn by_caller(mut self, failures: u32, address: ClientAddr) -> Result<Self, ConfigError> {
        self.caller = Some(Caller { limit: at_least_one(failures)?, address });
        Ok(self)
    }

    /// Sets whether the verifier is called while the store is unavailable or full. The default is `false`.
    ///
    /// If it is called, nothing is throttled in that time.
    pub fn fail_open(mut self, fail_open: bool) -> Self {
        self.fail_open = fail_open;
        self
    }

    /// Sets the clock. The default is [`SystemClock`](crate::SystemClock). Waits for other attempts use tokio's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.accounts.clock = Arc::new(clock);
        self
    }
}

/// The number of buckets that hold this many accounts.
pub(super) fn buckets(accounts: usize) -> u64 {
    accounts.div_ceil(SLOTS).max(1) as u64
}

fn at_least_one(failures: u32) -> Result<u32, ConfigError> {
    if failures == 0 {
        Err(ConfigError::new("the number of failures of a throttle must be at least 1"))
    } else {
        Ok(failures)
    }
}

fn at_least_a_millisecond(what: &str, duration: Duration) -> Result<u64, ConfigError> {
    match millis(duration) {
        0 => Err(ConfigError::new(format!("{what} of a throttle must be at least 1 ms"))),
        millis => Ok(millis),
    }
}
