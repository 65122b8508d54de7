CREATE TABLE release_r1 (
  gem TEXT NOT NULL,
  number TEXT NOT NULL,
  platform TEXT NOT NULL,
  file TEXT,              -- full name as spelled
  log_index BIGINT,
  revision BIGINT,        -- in gem/<gem>
  released_at BIGINT,
  digest TEXT,            -- 64 hex digits
  document TEXT,
  size BIGINT,
  provider TEXT,
  repository TEXT,
  commit_id TEXT,
  run_id TEXT,
  PRIMARY KEY (gem, number, platform)
);
CREATE UNIQUE INDEX release_r1_file ON release_r1 (file);
CREATE INDEX release_r1_log_index ON release_r1 (log_index);
