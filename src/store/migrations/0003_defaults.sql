-- The type that a project's creates get when they name none.
CREATE TABLE volume_type_default (
  project_id TEXT PRIMARY KEY,
  type_id TEXT NOT NULL REFERENCES volume_type(id)
);
