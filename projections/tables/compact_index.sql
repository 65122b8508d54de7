CREATE TABLE info_r1 (
  gem TEXT NOT NULL PRIMARY KEY,
  name TEXT,
  body TEXT,              -- the bytes of /info/<name>
  md5 TEXT
);
CREATE TABLE version_line_r1 (
  log_index BIGINT NOT NULL PRIMARY KEY,
  line TEXT               -- a line of /versions, in the order of the log
);
