use std::{env, fmt, str::FromStr, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::timeout;
use tokio_postgres::{
    NoTls, Socket,
    config::TargetSessionAttrs,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{PostgresStore, statements::schema};
use crate::{
    ConfigError,
    store::{StoreError, probe::probe},
};

/// How long creating the table may take.
const MIGRATION: Duration = Duration::from_secs(30);

/// Idle time before the first TCP keep-alive probe.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Configuration of a [`PostgresStore`].
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
    /// Configures the PostgreSQL at `url`.
    ///
    /// The URL has one of [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)'s forms:
    /// `postgres://[user[:password]@]host[:port][/database]`, or `host=… user=… dbname=…`. If it names several hosts,
    /// the store uses the first one that accepts writes.
    ///
    /// # Errors
    /// If the URL has neither form, or names no host.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        // The parser's own error is left out, as a URL may hold a password.
        let mut config = tokio_postgres::Config::from_str(url).map_err(|_| {
            ConfigError::new("the URL of PostgreSQL must look like `postgres://user@host/database` or `host=… user=…`")
        })?;
        if config.get_hosts().is_empty() {
            return Err(ConfigError::new("the URL of PostgreSQL must name a host"));
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

    /// Configures the PostgreSQL at the URL in the environment variable `DATABASE_URL`.
    ///
    /// # Errors
    /// If the variable is not set, or its value is not a URL as for [`new`](Self::new).
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("DATABASE_URL").map_err(|_| ConfigError::new("`DATABASE_URL` must be set to a URL"))?;
        Self::new(&url)
    }

    /// Sets the name of the table, with its schema if that is not in the search path.
    ///
    /// The default is `tower_verify`.
    ///
    /// # Errors
    /// If the name is longer than 50 characters, or is not `table` or `schema.table` in lower-case letters, digits and
    /// `_`. No part may begin with a digit.
    pub fn table(mut self, table: &str) -> Result<Self, ConfigError> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if table.len() > 50 || table.split('.').count() > 2 || !table.split('.').all(is_name) {
            return Err(ConfigError::new(
                "the table must be `name` or `schema.name`, with at most 50 of a-z, 0-9 (not first) and `_`",
            ));
        }
        self.table = table.to_owned();
        Ok(self)
    }

    /// Sets whether [`connect`](Self::connect) creates the table if it does not exist.
    ///
    /// The default is `false`: the app's database user should not need the right to create tables. Creating the table may
    /// take 30 s: it waits for another node that does the same, and for locks.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Returns the SQL that creates the table, for a migration of your own.
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

    /// Sets the maximum number of connections. The default is 10.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// Sets how long connecting may take. The default is 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an operation may take, including the wait for a connection.
    ///
    /// The default is 1 s: shorter than the layer's deadline, so that the error names the store as the cause.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Connects without TLS, and tries the store's operations once.
    ///
    /// It cannot connect to a server that requires TLS.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with the reason as its source, if this fails or takes too long. For example, the
    /// table is missing, the user has no right to it, or the server is a standby.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        self.connect_with(NoTls).await
    }

    /// Connects over TLS as [`connect`](Self::connect) does without.
    ///
    /// `tls` is a connector for tokio-postgres, such as those of the crates `tokio-postgres-rustls` and
    /// `postgres-native-tls`. Put `sslmode=require` into the URL: otherwise the connection to a server without TLS is
    /// in plain text.
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
        probe(&store).await?;
        Ok(store)
    }
}

async fn migrate(pool: &Pool, table: &str) -> Result<(), StoreError> {
    // The lock lets nodes that start together migrate one after another: with `IF NOT EXISTS` alone, one would fail.
    let statements = format!("BEGIN; SELECT pg_advisory_xact_lock(7461776572); {} COMMIT;", schema(table));
    let connection = pool.get().await.map_err(super::no_connection)?;
    let migrated = timeout(MIGRATION, connection.batch_execute(&statements)).await;
    migrated.map_err(StoreError::unavailable)?.map_err(|error| super::failed(&error))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> PostgresConfig {
        PostgresConfig::new("host=localhost").unwrap()
    }

    #[test]
    fn a_table_has_a_plain_name_of_at_most_50_characters() {
        let (longest, too_long) = ("t".repeat(50), "t".repeat(51));
        for table in ["t", "_", "verify_2", "app.t", &longest] {
            assert!(config().table(table).is_ok(), "{table}");
        }
        for table in ["", "Table", "a b", "a;b", "a.b.c", "1a", "\"a\"", ".", "a.", "a.1", "t\u{e9}", &too_long] {
            assert!(config().table(table).is_err(), "{table}");
        }
    }

    #[test]
    fn the_schema_is_the_documented_one() {
        let documented = "CREATE TABLE IF NOT EXISTS app.state (\n    key text COLLATE \"C\" PRIMARY KEY,\n    \
                          value bytea NOT NULL,\n    expires_at timestamptz NOT NULL\n);\n\
                          CREATE INDEX IF NOT EXISTS state_expires_at ON app.state (expires_at);\n";
        assert_eq!(config().table("app.state").unwrap().schema(), documented);
    }
}
