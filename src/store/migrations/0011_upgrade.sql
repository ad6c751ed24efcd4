-- The newest version that each incarnation can read of what is written here: 'schema', 'kind:volume.create', 'shape:placement' …
CREATE TABLE node_version (
  inc BIGINT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (inc, name)
);

-- What may be written: nobody who lives reads less, and nobody who reads less is let in. Only finalising raises it.
CREATE TABLE pin (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL
);

-- One row: the release that was finalised last; empty before the first node. Its lock orders finalising and joining.
CREATE TABLE upgrade (
  id INTEGER PRIMARY KEY,
  release TEXT NOT NULL,
  finalised_at BIGINT
);
INSERT INTO upgrade (id, release) VALUES (1, '');
