-- Levels of logs that administrators asked for; nodes apply what is newer than what they have applied.
CREATE TABLE log_setting (
  seq {seq},
  host TEXT NOT NULL,
  prefix TEXT NOT NULL,
  level TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
-- The levels in force in the process that runs a service, as it last told: a JSON object.
ALTER TABLE service ADD COLUMN log_levels TEXT NOT NULL DEFAULT '{}';
