CREATE TABLE provider_r1 (
  slug TEXT NOT NULL PRIMARY KEY,
  issuer TEXT NOT NULL,
  kind TEXT NOT NULL,
  disabled BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX provider_r1_issuer ON provider_r1 (issuer);
