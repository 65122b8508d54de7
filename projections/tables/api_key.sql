CREATE TABLE api_key_r1 (
  id TEXT NOT NULL PRIMARY KEY,
  digest TEXT,            -- 64 hex digits
  account TEXT,
  exchange TEXT,                   -- the token stream of the exchange that minted it
  scopes TEXT,            -- separated by spaces
  gem TEXT,
  expires_at BIGINT,
  revoked BIGINT
);
CREATE UNIQUE INDEX api_key_r1_digest ON api_key_r1 (digest);
