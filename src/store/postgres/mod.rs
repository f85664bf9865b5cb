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

/// A [`Store`] in PostgreSQL, for any number of nodes.
///
/// It is for teams without Redis, and for values that must be used only once even if a server fails over: a primary
/// with a synchronous standby loses no write that it confirmed. It needs PostgreSQL 12 or later and a tokio runtime.
/// Clones share the connections.
///
/// Each operation is one statement on one row, in a transaction of its own. Only [`claim`](Store::claim) of a present
/// key takes two. Times are those of the server's clock. The nodes that write also delete expired rows, a hundred at a
/// time and in the background.
///
/// If an operation is not answered in time, or the server has become read-only, the store closes the connection and
/// opens another one. An operation whose answer did not arrive may have been done: it is an error, and is not repeated.
///
/// # Table
///
/// [`PostgresConfig::migrate`] creates the table, or a migration of your own that runs [`PostgresConfig::schema`]:
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
/// Apart from that, the database user needs the rights to `SELECT`, `INSERT`, `UPDATE` and `DELETE`.
///
/// # Example
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

    /// Runs `statement` and returns its row, if there is one.
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
            // Closed after any error, so that the next operation does not get a broken connection.
            drop(Object::take(connection));
        }
        result
    }

    /// Runs a `statement` that writes. Starts a sweep if one is due.
    async fn write(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        let result = self.run(statement, parameters).await;
        if let Some(turn) = self.shared.sweep.turn() {
            let store = self.clone();
            tokio::spawn(async move {
                // If it fails, a later sweep deletes the same rows.
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
            // If the value was taken or expired between the two statements, try again.
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

/// Returns the value of a row, if there is one and it is live.
fn value(row: Option<Row>) -> Result<Option<Bytes>, StoreError> {
    let value: Option<Option<&[u8]>> = row.as_ref().map(|row| row.try_get(0)).transpose().map_err(|e| failed(&e))?;
    Ok(value.flatten().map(Bytes::copy_from_slice))
}

/// Milliseconds as PostgreSQL adds them to a time: at most 100,000 years, as more would be out of range.
fn millis(ttl: Duration) -> f64 {
    (ttl_millis(ttl) as f64).min(3.1536e15)
}

fn no_connection(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => failed(&error),
        error => StoreError::unavailable(error),
    }
}

/// Keeps the server's message, without its detail and its query, or else the client's error.
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
