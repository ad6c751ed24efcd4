-- What a node says of itself, its machine and its configuration: diagnoses, as JSON.
CREATE TABLE node_report (
  inc BIGINT PRIMARY KEY,
  report TEXT NOT NULL,
  reported_at BIGINT NOT NULL
);
