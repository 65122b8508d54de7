CREATE TABLE attestation_r2 (
  log_index BIGINT NOT NULL,  -- of release.attested
  gem TEXT,
  file TEXT,                  -- full name of the release's file, as spelled
  bundle TEXT,                -- SHA-256 of its bytes, 64 hex digits
  certificate TEXT,
  predicate TEXT,             -- of a statement
  root TEXT,                  -- the trust root's name,
  root_revision BIGINT,       -- and its version
  entry_log TEXT,             -- where it stands in a transparency log
  entry_index TEXT,
  public BIGINT,              -- whether everybody can read that log
  sct BIGINT,
  timestamped BIGINT,
  signed_at BIGINT,
  commit_id TEXT,             -- what the certificate says
  run TEXT,
  PRIMARY KEY (log_index)
);
CREATE INDEX attestation_r2_file ON attestation_r2 (file, log_index);
CREATE INDEX attestation_r2_bundle ON attestation_r2 (bundle);
