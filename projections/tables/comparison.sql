CREATE TABLE comparison_r1 (
  gem TEXT NOT NULL,
  number TEXT NOT NULL,
  platform TEXT NOT NULL,
  statement TEXT NOT NULL,  -- 64 hex digits
  log_index BIGINT,
  compared_at BIGINT,
  actor TEXT,
  commit_id TEXT,
  verdict TEXT,  -- same, different
  files_only BIGINT,
  same BIGINT,
  explained BIGINT,
  by_word BIGINT,  -- of the explained
  changed BIGINT,
  extra BIGINT,
  left_out BIGINT,  -- null: not known
  metadata BIGINT,  -- null: not compared
  not_compared BIGINT,
  PRIMARY KEY (gem, number, platform, statement)
);
