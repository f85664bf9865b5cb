/// The SQL statements of a store in one table.
///
/// The operations use `clock_timestamp()`: `now()` is when the statement began, and the statement may have waited for
/// another one since.
pub(super) struct Statements {
    pub(super) get: String,
    pub(super) put: String,
    pub(super) claim: String,
    pub(super) take: String,
    pub(super) replace: String,
    pub(super) sweep: String,
}

impl Statements {
    pub(super) fn of(table: &str) -> Self {
        let expiry = |parameter: u8| format!("clock_timestamp() + ${parameter}::float8 * interval '1 millisecond'");
        let insert = format!(
            "INSERT INTO {table} AS present (key, value, expires_at) VALUES ($1, $2, {}) \
             ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at",
            expiry(3)
        );
        Self {
            get: format!("SELECT value FROM {table} WHERE key = $1 AND expires_at > clock_timestamp()"),
            claim: format!("{insert} WHERE present.expires_at <= clock_timestamp() RETURNING true"),
            put: insert,
            take: format!(
                "DELETE FROM {table} WHERE key = $1 \
                 RETURNING CASE WHEN expires_at > clock_timestamp() THEN value END"
            ),
            replace: format!(
                "UPDATE {table} SET value = $3, expires_at = {} \
                 WHERE key = $1 AND value = $2 AND expires_at > clock_timestamp() RETURNING true",
                expiry(4)
            ),
            sweep: format!(
                "WITH expired AS (SELECT key FROM {table} WHERE expires_at <= now() ORDER BY expires_at LIMIT 100 \
                 FOR UPDATE SKIP LOCKED), swept AS (DELETE FROM {table} USING expired \
                 WHERE {table}.key = expired.key RETURNING 1) SELECT count(*) FROM swept"
            ),
        }
    }
}

/// The statements that create the table and its index, if they do not exist.
pub(super) fn schema(table: &str) -> String {
    let index = table.rsplit('.').next().unwrap_or(table);
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n    key text COLLATE \"C\" PRIMARY KEY,\n    value bytea NOT NULL,\n    \
         expires_at timestamptz NOT NULL\n);\n\
         CREATE INDEX IF NOT EXISTS {index}_expires_at ON {table} (expires_at);\n"
    )
}
