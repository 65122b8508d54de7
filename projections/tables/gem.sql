CREATE TABLE gem_r1 (
  gem TEXT NOT NULL PRIMARY KEY,   -- folded name
  name TEXT,
  registered_at BIGINT,   -- milliseconds since the epoch, as every time here
  releases BIGINT,
  updated_at BIGINT,
  latest_number TEXT,              -- of the newest release by time
  document TEXT
);
CREATE INDEX gem_r1_updated ON gem_r1 (updated_at);
