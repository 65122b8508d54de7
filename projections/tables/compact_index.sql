CREATE TABLE info_r1 (
  gem TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  body TEXT NOT NULL,              -- the bytes of /info/<name>
  md5 TEXT NOT NULL
);
CREATE TABLE version_line_r1 (
  log_index BIGINT NOT NULL PRIMARY KEY,
  line TEXT NOT NULL               -- a line of /versions, in the order of the log
);
