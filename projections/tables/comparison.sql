CREATE TABLE comparison_r1 (
  gem TEXT NOT NULL,
  number TEXT NOT NULL,
  platform TEXT NOT NULL,
  statement TEXT NOT NULL,  -- 64 hex digits
  log_index BIGINT,
  compared_at BIGINT,
  actor TEXT,
  commit_id TEXT,
  same BIGINT,
  changed BIGINT,
  extra BIGINT,
  missing BIGINT,
  PRIMARY KEY (gem, number, platform, statement)
);
