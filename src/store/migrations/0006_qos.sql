-- Limits of volumes by type. specs is a JSON object of texts.
CREATE TABLE qos_specs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  consumer TEXT NOT NULL,
  specs TEXT NOT NULL,
  rev BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT
);
CREATE UNIQUE INDEX qos_specs_name ON qos_specs(name);
CREATE INDEX volume_type_qos ON volume_type(qos_specs_id) WHERE qos_specs_id IS NOT NULL;
-- Counts changes of limits: nodes that see it move bring what they export up to date.
CREATE TABLE qos_change (
  id TEXT PRIMARY KEY,
  changes BIGINT NOT NULL
);
INSERT INTO qos_change (id, changes) VALUES ('all', 0);
