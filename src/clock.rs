//! Sources of time for everything that expires.

use std::{
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// The source of time for everything that expires.
///
/// Give a [`ManualClock`] to what you test, and the test need not wait for anything to expire.
///
/// A clock has two times. The wall clock can be set forwards and backwards. It is used for times that other systems
/// read, such as the expiry of a token. The monotonic time never goes back. It is used for durations within this
/// process, such as the life of an entry in [`MemoryStore`](crate::store::MemoryStore) or of a verdict in
/// [`Cached`](crate::policy::Cached).
///
/// A clock on tokio's time, which a test can pause:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tokio::time::Instant;
/// use tower_verify::Clock;
///
/// struct TokioClock {
///     start: Instant,
/// }
///
/// impl Clock for TokioClock {
///     fn now(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH + self.monotonic()
///     }
///
///     fn monotonic(&self) -> Duration {
///         self.start.elapsed()
///     }
/// }
///
/// #[tokio::main(flavor = "current_thread", start_paused = true)]
/// async fn main() {
///     let clock = TokioClock { start: Instant::now() };
///     tokio::time::advance(Duration::from_secs(300)).await;
///     assert_eq!(clock.unix_millis(), 300_000);
/// }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of the wall clock.
    fn now(&self) -> SystemTime;

    /// The time since a moment that stays the same as long as the process runs.
    ///
    /// It never decreases, even if the wall clock is set back.
    fn monotonic(&self) -> Duration;

    /// The time of the wall clock as milliseconds since the Unix epoch.
    fn unix_millis(&self) -> u64 {
        unix_millis(self.now())
    }
}

/// Milliseconds from the Unix epoch to `time`; zero if `time` is before it.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
/// assert_eq!(tower_verify::unix_millis(time), 7_000);
/// ```
pub fn unix_millis(time: SystemTime) -> u64 {
    millis(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Whole milliseconds, rounded down.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// The operating system's clocks: the default wherever a [`Clock`] is needed.
///
/// It depends on the system whether the monotonic time goes on while the machine is suspended. On Linux it does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock for tests: it moves only when the test moves it.
///
/// Clones share the time.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_verify::{Clock, ManualClock};
///
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(300));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(300));
/// clock.set(SystemTime::UNIX_EPOCH);
/// assert_eq!(clock.monotonic(), Duration::from_secs(300));
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    times: Arc<Mutex<Times>>,
}

#[derive(Debug)]
struct Times {
    wall: SystemTime,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: SystemTime) -> Self {
        Self { times: Arc::new(Mutex::new(Times { wall: start, monotonic: Duration::ZERO })) }
    }

    /// Moves both times forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        let mut times = self.times();
        times.wall += duration;
        times.monotonic += duration;
    }

    /// Sets the wall clock to `time`, forwards or backwards. The monotonic time stays as it is.
    pub fn set(&self, time: SystemTime) {
        self.times().wall = time;
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.times().wall
    }

    fn monotonic(&self) -> Duration {
        self.times().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_monotonic_time_goes_on() {
        let (begun, first) = (Instant::now(), SystemClock.monotonic());
        while SystemClock.monotonic() <= first {
            assert!(begun.elapsed() < Duration::from_secs(10), "it stands still");
        }
    }
}
