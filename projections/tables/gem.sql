CREATE TABLE gem_r1 (
  gem TEXT NOT NULL PRIMARY KEY,   -- folded name
  name TEXT NOT NULL,
  registered_at BIGINT NOT NULL,   -- milliseconds since the epoch, as every time here
  releases BIGINT NOT NULL DEFAULT 0,
  updated_at BIGINT,
  latest_number TEXT,              -- of the newest release by time
  document TEXT
);
CREATE INDEX gem_r1_updated ON gem_r1 (updated_at);
