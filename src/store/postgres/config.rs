use std::{env, fmt, str::FromStr, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::{
    NoTls, Socket,
    config::TargetSessionAttrs,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{PostgresStore, statements::schema};
use crate::{ConfigError, store::StoreError};

/// Idle time before the first TCP keep-alive probe.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How to reach PostgreSQL, for a [`PostgresStore`].
///
/// ```no_run
/// use std::time::Duration;
/// use tower_verify::{BoxError, store::PostgresConfig};
///
/// # async fn connect() -> Result<(), BoxError> {
/// let store = PostgresConfig::new("host=db1.internal,db2.internal user=app dbname=app")?
///     .table("verify_state")?
///     .max_connections(20)
///     .response_timeout(Duration::from_millis(500))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresConfig {
    config: tokio_postgres::Config,
    table: String,
    migrate: bool,
    max_connections: usize,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl PostgresConfig {
    /// The PostgreSQL at `url`: `postgres://[user[:password]@]host[:port][/database]`, or `host=… user=… dbname=…`, as
    /// [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING) has it. Of several hosts the
    /// first one is used that can be written to.
    ///
    /// # Errors
    /// If this is neither.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        // The parser's own error is left out, as a URL may hold a password.
        let mut config = tokio_postgres::Config::from_str(url).map_err(|_| {
            ConfigError::new("the URL of PostgreSQL must look like `postgres://user@host/database` or `host=… user=…`")
        })?;
        if config.get_hosts().is_empty() {
            return Err(ConfigError::new("the URL of PostgreSQL names no host"));
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite).keepalives_idle(KEEPALIVE);
        Ok(Self {
            config,
            table: "tower_verify".to_owned(),
            migrate: false,
            max_connections: 10,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
        })
    }

    /// The PostgreSQL at the URL in the environment variable `DATABASE_URL`.
    ///
    /// # Errors
    /// If the variable is not set, or its value is not a URL as for [`new`](Self::new).
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("DATABASE_URL").map_err(|_| ConfigError::new("`DATABASE_URL` is not set, or not text"))?;
        Self::new(&url)
    }

    /// The name of the table, with its schema if that is not in the search path. The default is `tower_verify`.
    ///
    /// # Errors
    /// If it has others than small letters, digits, `_` and one `.`, or more than 50 of them.
    pub fn table(mut self, table: &str) -> Result<Self, ConfigError> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if table.len() > 50 || table.split('.').count() > 2 || !table.split('.').all(is_name) {
            return Err(ConfigError::new("a table's name must have at most 50 small letters, digits and `_`"));
        }
        self.table = table.to_owned();
        Ok(self)
    }

    /// Whether the table is made if it is not there. The default is `false`: an app's user should not need the right to.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// The statements that make the table, for a migration of yours.
    ///
    /// ```
    /// use tower_verify::store::PostgresConfig;
    ///
    /// let config = PostgresConfig::new("postgres://app@db.internal/app")?;
    /// assert!(config.schema().starts_with("CREATE TABLE IF NOT EXISTS tower_verify ("));
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    pub fn schema(&self) -> String {
        schema(&self.table)
    }

    /// How many connections there may be. The default is 10.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long connecting may take. The default is 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an operation may take, waiting for a connection included. The default is 1 s: less than the layer's
    /// deadline, so that the store is known to be the reason.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Connects in plain, and does once what a store has to do. A server that asks for TLS is not connected to.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with the reason as its source, if that is not done in time, or cannot be done there: the
    /// table is missing, the user has no right to it, or the server is a standby.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        self.connect_with(NoTls).await
    }

    /// The same over TLS, by a connector for tokio-postgres, such as those of the crates `tokio-postgres-rustls` and
    /// `postgres-native-tls`. Say `sslmode=require` in the URL: otherwise a server that has no TLS is spoken to in plain.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with<T>(mut self, tls: T) -> Result<PostgresStore, StoreError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        self.config.connect_timeout(self.connect_timeout).tcp_user_timeout(self.connect_timeout);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(self.config.clone(), tls, recycling))
            .runtime(Runtime::Tokio1)
            .max_size(self.max_connections)
            .timeouts(Timeouts { create: Some(self.connect_timeout), ..Timeouts::default() })
            .build()
            .map_err(StoreError::unavailable)?;
        if self.migrate {
            migrate(&pool, &self.table).await?;
        }
        let store = PostgresStore::new(pool, &self.table, self.response_timeout);
        store.probe().await?;
        Ok(store)
    }
}

async fn migrate(pool: &Pool, table: &str) -> Result<(), StoreError> {
    // Nodes that start together do it one after another: `IF NOT EXISTS` alone would fail in one of them.
    let statements = format!("BEGIN; SELECT pg_advisory_xact_lock(7461776572); {} COMMIT;", schema(table));
    let connection = pool.get().await.map_err(super::no_connection)?;
    connection.batch_execute(&statements).await.map_err(|error| super::failed(&error))
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("table", &self.table)
            .field("migrate", &self.migrate)
            .field("max_connections", &self.max_connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
