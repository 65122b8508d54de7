CREATE TABLE provider_r1 (
  slug TEXT NOT NULL PRIMARY KEY,
  issuer TEXT,
  kind TEXT,
  disabled BIGINT
);
CREATE UNIQUE INDEX provider_r1_issuer ON provider_r1 (issuer);
