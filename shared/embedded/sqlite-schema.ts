/** Version of the tables below, kept in `PRAGMA user_version`. Raise it with every change of them. */
export const SCHEMA_VERSION = 3;

const BACKFILLS = 'CREATE TABLE backfills (id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL);';

const UNTOLD = 'CREATE TABLE untold_failures (id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL);';

/** What makes a file of an earlier version one of this, by the version that it has. */
export const UPGRADES: Readonly<Record<number, string>> = { 1: `${BACKFILLS} ${UNTOLD}`, 2: UNTOLD };

/** Marks the file as ours (`PRAGMA application_id`, the letters `sbkf`). */
export const APPLICATION_ID = 0x73626b66;

/**
 * Records that decisions read are JSON text beside their key: they are read whole into memory at open, and SQLite need
 * not know their inside. What only people read (run history, request changes) has columns.
 */
export const SCHEMA = `
CREATE TABLE cells (processor TEXT NOT NULL, day INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (processor, day));
CREATE TABLE slots (processor TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE asks (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE ask_cells (
  ask_id TEXT NOT NULL, processor TEXT NOT NULL, day INTEGER NOT NULL, outcome TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (ask_id, processor, day)
) WITHOUT ROWID;
CREATE TABLE cascades (phase TEXT NOT NULL, day INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (phase, day));
CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL);
${BACKFILLS}
${UNTOLD}
CREATE TABLE controls (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL);
CREATE TABLE remembered (season TEXT NOT NULL PRIMARY KEY, games TEXT NOT NULL);
CREATE TABLE traces (run_id TEXT NOT NULL PRIMARY KEY, trace TEXT NOT NULL);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL);

CREATE TABLE processor_run_history (
  seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, processor_name TEXT NOT NULL, phase TEXT NOT NULL, data_date TEXT NOT NULL, success INTEGER NOT NULL,
  status TEXT NOT NULL, error_message TEXT, rows_processed INTEGER, processing_decision TEXT NOT NULL, skip_reason TEXT, backfill_mode INTEGER NOT NULL,
  created_at TEXT NOT NULL, attempt INTEGER NOT NULL, trace_digest TEXT, fingerprint TEXT, category TEXT, started_at TEXT, completed_at TEXT, metadata TEXT
);
CREATE INDEX processor_run_history_by_cell ON processor_run_history (processor_name, data_date);
CREATE TABLE backfill_requests (
  seq INTEGER PRIMARY KEY, processor_name TEXT NOT NULL, game_date TEXT NOT NULL, request_type TEXT NOT NULL, priority TEXT NOT NULL,
  requested_at TEXT NOT NULL, requested_by TEXT NOT NULL, status TEXT NOT NULL, started_at TEXT, completed_at TEXT, error_message TEXT, metadata TEXT,
  changed_at TEXT NOT NULL
);
CREATE INDEX backfill_requests_by_cell ON backfill_requests (processor_name, game_date);

CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL
);
CREATE TABLE deliveries (
  seq INTEGER NOT NULL, subscription TEXT NOT NULL, attempt INTEGER NOT NULL, due_at REAL NOT NULL, in_flight INTEGER NOT NULL, interrupted INTEGER NOT NULL,
  last_reason TEXT,
  PRIMARY KEY (seq, subscription)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (subscription, due_at, seq);
`;
