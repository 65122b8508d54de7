CREATE TABLE info_r2 (
  gem TEXT NOT NULL PRIMARY KEY,
  name TEXT,
  body TEXT,              -- the bytes of /info/<name>
  withheld TEXT,          -- the lines of quarantined releases, each after its place among all lines and a space
  md5 TEXT
);
CREATE TABLE version_line_r2 (
  log_index BIGINT NOT NULL PRIMARY KEY,
  line TEXT               -- a line of /versions, in the order of the log
);
