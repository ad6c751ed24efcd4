-- When an administrator last switched or froze a backend.
ALTER TABLE backend ADD COLUMN updated_at BIGINT;
-- Rows to lock, for what one transaction at a time may do. claims: counting what runs, where limits of it are configured.
-- backend_names: changing the name of a backend.
CREATE TABLE turn (
  name TEXT PRIMARY KEY
);
INSERT INTO turn (name) VALUES ('claims'), ('backend_names');
-- What backends were called before: nodes that know one by an old name follow.
CREATE TABLE backend_alias (
  name TEXT PRIMARY KEY,
  now TEXT NOT NULL
);
CREATE INDEX backend_alias_now ON backend_alias(now);
