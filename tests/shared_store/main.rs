//! The ticket office and the throttle on each store: in memory, and with the feature `redis` in a Redis that the test
//! starts.

mod office;
#[cfg(feature = "redis")]
#[path = "../support/redis_server.rs"]
mod redis_server;
mod throttle;

use tower_verify::store::{MemoryStore, SharedStore};

/// The state that the nodes share.
enum State {
    Memory(SharedStore),
    #[cfg(feature = "redis")]
    Redis(redis_server::RedisServer),
}

impl State {
    fn in_memory() -> Self {
        Self::Memory(SharedStore::new(MemoryStore::new()))
    }

    #[cfg(feature = "redis")]
    async fn in_redis() -> Self {
        Self::Redis(redis_server::RedisServer::start(&[]).await)
    }

    /// Opens the store for one more node.
    async fn node(&self) -> SharedStore {
        match self {
            Self::Memory(store) => store.clone(),
            #[cfg(feature = "redis")]
            Self::Redis(server) => SharedStore::new(server.connect().await),
        }
    }

    /// Opens the stores of three nodes.
    async fn nodes(&self) -> [SharedStore; 3] {
        [self.node().await, self.node().await, self.node().await]
    }

    /// Loses all data. Stores that were opened before must not be used any more.
    async fn lose(&mut self) {
        match self {
            Self::Memory(_) => *self = Self::in_memory(),
            #[cfg(feature = "redis")]
            Self::Redis(server) => {
                server.kill();
                server.restart().await;
            }
        }
    }
}

/// Makes a test of each function for every kind of state.
macro_rules! in_every_state {
    ($($law:ident)*) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                super::$law(crate::State::in_memory()).await;
            })*
        }

        #[cfg(feature = "redis")]
        mod in_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                super::$law(crate::State::in_redis().await).await;
            })*
        }
    };
}
use in_every_state;
