CREATE TABLE publisher_r1 (
  gem TEXT NOT NULL,
  id BIGINT NOT NULL,
  provider TEXT,
  repository TEXT,        -- lower case: a hint for finding candidates, never a decision
  repository_id TEXT,
  PRIMARY KEY (gem, id)
);
CREATE INDEX publisher_r1_repository ON publisher_r1 (provider, repository);
CREATE INDEX publisher_r1_repository_id ON publisher_r1 (provider, repository_id);
