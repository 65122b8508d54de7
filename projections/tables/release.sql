CREATE TABLE release_r2 (
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
  quarantined_at BIGINT,  -- while it is withheld: since when,
  quarantine_index BIGINT,         -- by which event,
  quarantine_reason TEXT,          -- and why
  PRIMARY KEY (gem, number, platform)
);
CREATE UNIQUE INDEX release_r2_file ON release_r2 (file);
CREATE INDEX release_r2_log_index ON release_r2 (log_index);
CREATE INDEX release_r2_quarantined ON release_r2 (quarantined_at);
