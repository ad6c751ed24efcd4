-- Work that recurs, done by one node at a time: who moves a due row has the turn; a turn that is not ended by due_at is another's.
CREATE TABLE chore (
  name TEXT PRIMARY KEY,
  due_at BIGINT NOT NULL,
  turn BIGINT NOT NULL DEFAULT 0,
  progress TEXT NOT NULL DEFAULT ''
);

-- How storage and hosts differ from the database, until they no longer do. place: a backend, or the host of a node.
CREATE TABLE finding (
  place TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  found_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (place, kind, subject)
);
