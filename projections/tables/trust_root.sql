CREATE TABLE trust_root_r1 (
  slug TEXT NOT NULL PRIMARY KEY,
  revision BIGINT,        -- of its newest version
  digest TEXT,
  size BIGINT,
  issuers TEXT,           -- a JSON array
  public BIGINT,
  requires_log BIGINT,
  requires_sct BIGINT,
  requires_timestamp BIGINT,
  repository TEXT,
  bootstrap TEXT,
  retired BIGINT
);
