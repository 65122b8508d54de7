-- The log's own tables. They are never migrated destructively: a leaf is for ever.
CREATE TABLE event (
  log_index INTEGER PRIMARY KEY,   -- dense from 0
  stream TEXT NOT NULL,
  revision INTEGER NOT NULL,       -- dense from 0 within its stream
  leaf BLOB NOT NULL
);
CREATE UNIQUE INDEX event_stream ON event (stream, revision);

-- Each tile is one row that only grows: a partial tile is the beginning of it.
CREATE TABLE tile (
  level INTEGER NOT NULL,
  tile_index INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, tile_index)
) WITHOUT ROWID;

CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32),
  time INTEGER NOT NULL            -- of the last event, milliseconds since the epoch
);
INSERT INTO head VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0);

-- Found by the event that commits to the value: rows in the order of the log keep the index short and its end warm.
CREATE TABLE vault (
  log_index INTEGER NOT NULL,
  commitment TEXT NOT NULL,
  subject TEXT NOT NULL,
  sealed BLOB NOT NULL,            -- nonce and value, encrypted under the subject's key
  unique_hash TEXT
);
CREATE UNIQUE INDEX vault_commitment ON vault (log_index, commitment);
CREATE UNIQUE INDEX vault_unique ON vault (unique_hash) WHERE unique_hash IS NOT NULL;

-- How far each projection has read the log.
CREATE TABLE projection (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL
);

-- Append-only, held by the database itself. The insert trigger also stops INSERT OR REPLACE, whose implicit delete fires
-- no delete trigger: a row can only be added at the end of the log and at the end of its stream.
-- They roll the whole transaction back: to undo one statement alone, SQLite would have to copy each page it touches.
CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN SELECT RAISE(ROLLBACK, 'the log is append-only'); END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ROLLBACK, 'the log is append-only'); END;
CREATE TRIGGER event_is_only_appended BEFORE INSERT ON event
WHEN NEW.log_index IS NOT (SELECT coalesce(max(log_index) + 1, 0) FROM event)
  OR NEW.revision IS NOT (SELECT coalesce(max(revision) + 1, 0) FROM event WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ROLLBACK, 'the log is append-only: not the next event'); END;
