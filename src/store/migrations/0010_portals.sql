-- A machine (a state directory) whose daemons serve exports, with its lease on the database's clock. Who declares it dead
-- raises its generation: from then on it cannot renew, and what it served is free.
CREATE TABLE export_host (
  name TEXT PRIMARY KEY,
  cluster TEXT NOT NULL,
  generation BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL
);
-- An address that exports keep when they move. host is an export_host, NULL while nobody has it; generation rises with each holder.
CREATE TABLE portal (
  name TEXT PRIMARY KEY,
  cluster TEXT NOT NULL,
  host TEXT,
  previous_host TEXT,
  generation BIGINT NOT NULL DEFAULT 0,
  since BIGINT
);
-- The one place at which a volume of a cluster is served: a portal, or host/<export_host>.
CREATE TABLE export_place (
  volume_id TEXT PRIMARY KEY,
  place TEXT NOT NULL
);
CREATE INDEX export_place_place ON export_place(place);
