mod config;
mod statements;
mod sweep;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use deadpool_postgres::{Object, Pool, PoolError};
use tokio::time::timeout;
use tokio_postgres::{Row, error::SqlState, types::ToSql};

pub use self::config::PostgresConfig;
use self::{statements::Statements, sweep::Sweep};
use super::{Store, StoreError, ttl_millis};

/// A store in PostgreSQL, for any number of nodes: for teams that have no Redis, and for what must be used once even if
/// a server fails over, as a primary with a synchronous standby loses nothing that it confirmed. It needs PostgreSQL 12
/// or later.
///
/// Each operation is one statement of one row, and a transaction of its own; only claiming a key that is there already
/// takes two. Times are told by the server's clock. Expired rows are deleted a hundred at a time, in the background, by the
/// nodes that write.
///
/// A connection on which an operation was not answered in time, or whose server has become read-only, is given up, and
/// another one is made. An operation whose answer did not arrive may have been done. It is an error, and is not repeated.
///
/// # Its table
///
/// [`PostgresConfig::migrate`] makes it, or a migration of yours that runs [`PostgresConfig::schema`]:
///
/// ```sql
/// CREATE TABLE IF NOT EXISTS tower_verify (
///     key text COLLATE "C" PRIMARY KEY,
///     value bytea NOT NULL,
///     expires_at timestamptz NOT NULL
/// );
/// CREATE INDEX IF NOT EXISTS tower_verify_expires_at ON tower_verify (expires_at);
/// ```
///
/// Otherwise it needs the rights to `SELECT`, `INSERT`, `UPDATE` and `DELETE` in it.
///
/// It is used within a tokio runtime. Clones share the connections.
///
/// ```no_run
/// use std::time::Duration;
/// use bytes::Bytes;
/// use tower_verify::{BoxError, store::{PostgresConfig, Store}};
///
/// # async fn example() -> Result<(), BoxError> {
/// let store = PostgresConfig::new("postgres://app@db.internal/app")?.migrate(true).connect().await?;
/// store.put("ticket:7", Bytes::from("ann"), Duration::from_secs(60)).await?;
/// assert_eq!(store.take("ticket:7").await?, Some(Bytes::from("ann")));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    shared: Arc<Shared>,
}

struct Shared {
    response_timeout: Duration,
    statements: Statements,
    sweep: Sweep,
}

impl PostgresStore {
    fn new(pool: Pool, table: &str, response_timeout: Duration) -> Self {
        let shared = Shared { response_timeout, statements: Statements::of(table), sweep: Sweep::default() };
        Self { pool, shared: Arc::new(shared) }
    }

    /// Does once what a store has to do, so that a server that cannot is known at once.
    async fn probe(&self) -> Result<(), StoreError> {
        let id = getrandom::u64().map_err(StoreError::unavailable)?;
        let (key, ttl) = (format!("probe:{id:x}"), Duration::from_secs(1));
        self.claim(&key, Bytes::from_static(b"1"), ttl).await?;
        self.replace(&key, Bytes::from_static(b"1"), Bytes::from_static(b"2"), ttl).await?;
        match self.take(&key).await? {
            Some(value) if value == "2" => Ok(()),
            _ => Err(StoreError::unavailable("the server did not keep a value for a moment")),
        }
    }

    /// The row that a statement returns, if it returns one.
    async fn run(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        let limit = self.shared.response_timeout;
        let mut connection = None;
        let run = async {
            let connection = connection.insert(self.pool.get().await.map_err(no_connection)?);
            let statement = connection.prepare_cached(statement).await.map_err(|error| failed(&error))?;
            connection.query_opt(&statement, parameters).await.map_err(|error| failed(&error))
        };
        let result = timeout(limit, run).await.unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)));
        if result.is_err()
            && let Some(connection) = connection
        {
            // Whatever it was: the next operation has a connection that is known to be good, or none.
            drop(Object::take(connection));
        }
        result
    }

    /// A statement that writes, after which there may be something to sweep.
    async fn write(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        let result = self.run(statement, parameters).await;
        if let Some(turn) = self.shared.sweep.turn() {
            let store = self.clone();
            tokio::spawn(async move {
                // A failed sweep is repeated by a later one.
                let _ = store.run(&store.shared.statements.sweep, &[]).await;
                drop(turn);
            });
        }
        result
    }
}

impl Store for PostgresStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        value(self.run(&self.shared.statements.get, &[&key]).await?)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.write(&self.shared.statements.put, &[&key, &&*value, &millis(ttl)]).await?;
        Ok(())
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        loop {
            if self.write(&self.shared.statements.claim, &[&key, &&*value, &millis(ttl)]).await?.is_some() {
                return Ok(None);
            }
            // Unless it was taken, or expired, between the two statements, this is what was there.
            if let Some(present) = self.get(key).await? {
                return Ok(Some(present));
            }
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        value(self.run(&self.shared.statements.take, &[&key]).await?)
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let parameters: [&(dyn ToSql + Sync); 4] = [&key, &&*expected, &&*new, &millis(ttl)];
        Ok(self.write(&self.shared.statements.replace, &parameters).await?.is_some())
    }
}

/// The value in a row, if it is live.
fn value(row: Option<Row>) -> Result<Option<Bytes>, StoreError> {
    let value: Option<Option<&[u8]>> = row.as_ref().map(|row| row.try_get(0)).transpose().map_err(|e| failed(&e))?;
    Ok(value.flatten().map(Bytes::copy_from_slice))
}

/// Milliseconds as PostgreSQL adds them to a time: a hundred thousand years are enough, and more would be out of range.
fn millis(ttl: Duration) -> f64 {
    const MOST: f64 = 100_000.0 * 365.0 * 24.0 * 60.0 * 60.0 * 1000.0;
    (ttl_millis(ttl) as f64).min(MOST)
}

fn no_connection(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => failed(&error),
        error => StoreError::unavailable(error),
    }
}

/// The server's own message, without its detail and its query, where it has one.
fn failed(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(error) if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].contains(error.code()) => StoreError::Full,
        Some(error) => StoreError::unavailable(format!("{}: {}", error.severity(), error.message())),
        None => {
            let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
            StoreError::unavailable(format!("{error}{source}"))
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("response_timeout", &self.shared.response_timeout).finish_non_exhaustive()
    }
}
