-- Scoria's own users, for auth_strategy = local. Everything is in one domain, 'default'. Ids are 32 hexadecimal digits.
CREATE TABLE identity_project (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  enabled INTEGER NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE identity_user (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  email TEXT NOT NULL DEFAULT '',
  password TEXT,
  default_project_id TEXT,
  enabled INTEGER NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE identity_role (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL
);

CREATE TABLE identity_assignment (
  user_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  role_id TEXT NOT NULL,
  PRIMARY KEY (user_id, project_id, role_id)
);
CREATE INDEX identity_assignment_project ON identity_assignment(project_id);
CREATE INDEX identity_assignment_role ON identity_assignment(role_id);

-- A token is kept as its SHA-256: who reads the database cannot use it.
CREATE TABLE identity_token (
  hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  project_id TEXT,
  audit_id TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX identity_token_user ON identity_token(user_id);
CREATE INDEX identity_token_expiry ON identity_token(expires_at);
