CREATE TABLE account_r1 (
  id TEXT NOT NULL PRIMARY KEY,
  created_at BIGINT,
  disabled BIGINT
);
