-- Times are microseconds since 1970 UTC from the database's clock; booleans 0/1; ids lower-case UUID text unless said.

-- Facts about this deployment: its id (the mark of our objects on backends), the schema's birth.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- One row per process start; inc is never reused. A node lives while lease_until lies ahead.
CREATE TABLE node (
  inc {seq},
  host TEXT NOT NULL,
  roles TEXT NOT NULL,
  state TEXT NOT NULL,
  hb_seq BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  release TEXT NOT NULL,
  schema_version INTEGER NOT NULL
);
CREATE INDEX node_live ON node(state, lease_until) WHERE state IN ('up', 'draining');

-- A durable piece of work. history is a list of JSON objects, each followed by a comma.
CREATE TABLE operation (
  seq {seq},
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  ver INTEGER NOT NULL,
  queue TEXT NOT NULL,
  backend TEXT,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  state TEXT NOT NULL,
  prio INTEGER NOT NULL,
  run_at BIGINT NOT NULL,
  deadline BIGINT,
  epoch BIGINT NOT NULL DEFAULT 0,
  owner BIGINT,
  attempt INTEGER NOT NULL DEFAULT 0,
  deaths INTEGER NOT NULL DEFAULT 0,
  step TEXT NOT NULL,
  cancel_req INTEGER NOT NULL DEFAULT 0,
  backend_gen BIGINT,
  input TEXT NOT NULL,
  ctx TEXT NOT NULL,
  reason TEXT,
  err_code TEXT,
  err_text TEXT,
  parent TEXT,
  open_children INTEGER NOT NULL DEFAULT 0,
  waits_on TEXT,
  phase TEXT,
  done_bytes BIGINT NOT NULL DEFAULT 0,
  total_bytes BIGINT NOT NULL DEFAULT 0,
  history TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  claimed_at BIGINT,
  updated_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX operation_ready ON operation(queue, prio DESC, run_at, seq) WHERE state = 'ready';
CREATE INDEX operation_running ON operation(owner) WHERE state = 'running';
CREATE INDEX operation_waiting ON operation(waits_on) WHERE state = 'waiting';
CREATE INDEX operation_resource ON operation(resource_id, seq);
CREATE INDEX operation_project ON operation(project_id, seq);
CREATE INDEX operation_parent ON operation(parent) WHERE parent IS NOT NULL;

-- What an operation holds: X and L stand in the resource row's x_op, S is counted in its s_ops. The auditable copy.
CREATE TABLE op_res (
  op TEXT NOT NULL,
  rtype TEXT NOT NULL,
  rid TEXT NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY (op, rtype, rid)
);
CREATE INDEX op_res_resource ON op_res(rid);

-- The ledger of everything that exists, or may exist, on backends under our names. Rows stay: names are counted from them.
CREATE TABLE backend_object (
  backend TEXT NOT NULL,
  name TEXT NOT NULL,
  pool TEXT NOT NULL,
  owner_type TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  base TEXT,
  op TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  state TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  recheck_at BIGINT,
  rechecks INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (backend, name)
);
CREATE INDEX backend_object_owner ON backend_object(owner_id);
CREATE INDEX backend_object_doomed ON backend_object(backend, changed_at) WHERE state = 'doomed';
CREATE INDEX backend_object_recheck ON backend_object(backend, recheck_at) WHERE recheck_at IS NOT NULL;
CREATE INDEX backend_object_base ON backend_object(backend, base) WHERE base IS NOT NULL;

CREATE TABLE backend (
  name TEXT PRIMARY KEY,
  cluster TEXT,
  zone TEXT NOT NULL,
  gen BIGINT NOT NULL DEFAULT 1,
  frozen INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL DEFAULT 0,
  disabled_reason TEXT,
  replication_status TEXT,
  active_backend_id TEXT,
  created_at BIGINT NOT NULL
);

-- allocated is what Scoria has promised (volumes in the pool's units), changed only together with its cause.
CREATE TABLE pool (
  backend TEXT NOT NULL,
  name TEXT NOT NULL,
  total_bytes BIGINT,
  free_bytes BIGINT,
  limit_bytes BIGINT,
  allocated_bytes BIGINT NOT NULL DEFAULT 0 CHECK (allocated_bytes >= 0),
  volumes BIGINT NOT NULL DEFAULT 0,
  unit_bytes BIGINT NOT NULL,
  minimum_bytes BIGINT NOT NULL,
  report TEXT NOT NULL,
  reported_at BIGINT NOT NULL,
  PRIMARY KEY (backend, name)
);

-- Cinder's services, one per (host, binary); up while an incarnation that serves it is alive.
CREATE TABLE service (
  host TEXT NOT NULL,
  binary_name TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  zone TEXT NOT NULL,
  cluster TEXT,
  inc BIGINT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  disabled_reason TEXT,
  frozen INTEGER NOT NULL DEFAULT 0,
  backend_up INTEGER NOT NULL DEFAULT 1,
  backend_reason TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (host, binary_name)
);

CREATE TABLE volume_type (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT,
  is_public INTEGER NOT NULL,
  qos_specs_id TEXT,
  extra_specs TEXT NOT NULL,
  rev BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT
);
CREATE UNIQUE INDEX volume_type_name ON volume_type(name);

CREATE TABLE volume_type_access (
  type_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  PRIMARY KEY (type_id, project_id)
);

-- Limits that were set: scope '' is the whole project, else a volume type's id. Absent: the class, then the configuration.
CREATE TABLE quota_limit (
  project_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  resource TEXT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (project_id, scope, resource)
);
CREATE TABLE quota_class_limit (
  class TEXT NOT NULL,
  scope TEXT NOT NULL,
  resource TEXT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (class, scope, resource)
);
CREATE TABLE quota_usage (
  project_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  volumes BIGINT NOT NULL DEFAULT 0 CHECK (volumes >= 0),
  gigabytes BIGINT NOT NULL DEFAULT 0 CHECK (gigabytes >= 0),
  snapshots BIGINT NOT NULL DEFAULT 0 CHECK (snapshots >= 0),
  backups BIGINT NOT NULL DEFAULT 0 CHECK (backups >= 0),
  backup_gigabytes BIGINT NOT NULL DEFAULT 0 CHECK (backup_gigabytes >= 0),
  groups BIGINT NOT NULL DEFAULT 0 CHECK (groups >= 0),
  PRIMARY KEY (project_id, scope)
);

-- x_op, x_mode, next_op, s_ops: claims (engine/claims.h). snapshots and attachments count live children.
-- The foreign key keeps a type that is in use: creates share its row, a delete waits for them.
-- charged_*: what quota was taken for this row and what is given back.
CREATE TABLE volume (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT,
  description TEXT,
  size_gib BIGINT NOT NULL,
  status TEXT NOT NULL,
  previous_status TEXT,
  attach_status TEXT NOT NULL,
  migration_status TEXT,
  replication_status TEXT,
  volume_type_id TEXT NOT NULL REFERENCES volume_type(id),
  availability_zone TEXT NOT NULL,
  backend TEXT,
  pool TEXT,
  provider_name TEXT,
  object_bytes BIGINT NOT NULL DEFAULT 0,
  snapshot_id TEXT,
  source_volid TEXT,
  group_id TEXT,
  bootable INTEGER NOT NULL DEFAULT 0,
  multiattach INTEGER NOT NULL DEFAULT 0,
  readonly INTEGER NOT NULL DEFAULT 0,
  consumes_quota INTEGER NOT NULL DEFAULT 1,
  metadata TEXT NOT NULL,
  image_metadata TEXT NOT NULL,
  snapshots BIGINT NOT NULL DEFAULT 0 CHECK (snapshots >= 0),
  attachments BIGINT NOT NULL DEFAULT 0 CHECK (attachments >= 0),
  charged_project TEXT,
  charged_type TEXT,
  charged_gib BIGINT NOT NULL DEFAULT 0,
  x_op TEXT,
  x_mode TEXT,
  next_op TEXT,
  s_ops BIGINT NOT NULL DEFAULT 0 CHECK (s_ops >= 0),
  rev BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT,
  launched_at BIGINT
);
CREATE INDEX volume_project ON volume(project_id, created_at, id);
CREATE INDEX volume_created ON volume(created_at, id);
CREATE INDEX volume_backend ON volume(backend, pool);

CREATE TABLE snapshot (
  id TEXT PRIMARY KEY,
  volume_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT,
  description TEXT,
  status TEXT NOT NULL,
  size_gib BIGINT NOT NULL,
  volume_type_id TEXT NOT NULL,
  group_snapshot_id TEXT,
  backend TEXT NOT NULL,
  pool TEXT NOT NULL,
  provider_name TEXT,
  progress INTEGER NOT NULL DEFAULT 0,
  consumes_quota INTEGER NOT NULL DEFAULT 1,
  metadata TEXT NOT NULL,
  charged_project TEXT,
  charged_type TEXT,
  charged_gib BIGINT NOT NULL DEFAULT 0,
  x_op TEXT,
  x_mode TEXT,
  next_op TEXT,
  s_ops BIGINT NOT NULL DEFAULT 0 CHECK (s_ops >= 0),
  rev BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT
);
CREATE INDEX snapshot_volume ON snapshot(volume_id, created_at, id);
CREATE INDEX snapshot_project ON snapshot(project_id, created_at, id);
CREATE INDEX snapshot_created ON snapshot(created_at, id);

-- connection is sealed (identity/seal.h) where it holds secrets; export_node is the incarnation that serves it.
CREATE TABLE attachment (
  id TEXT PRIMARY KEY,
  volume_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  instance_id TEXT,
  attached_host TEXT,
  mountpoint TEXT,
  attach_mode TEXT,
  attach_status TEXT NOT NULL,
  connector TEXT,
  connection TEXT,
  hidden INTEGER NOT NULL DEFAULT 0,
  x_op TEXT,
  x_mode TEXT,
  next_op TEXT,
  s_ops BIGINT NOT NULL DEFAULT 0,
  rev BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT,
  attach_time BIGINT,
  detach_time BIGINT
);
CREATE INDEX attachment_volume ON attachment(volume_id, created_at, id);
CREATE INDEX attachment_project ON attachment(project_id, created_at, id);

CREATE TABLE message (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  request_id TEXT,
  resource_type TEXT,
  resource_id TEXT,
  action_id TEXT NOT NULL,
  detail_id TEXT NOT NULL,
  message_level TEXT NOT NULL,
  text TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX message_project ON message(project_id, created_at, id);
CREATE INDEX message_expiry ON message(expires_at);

-- Events, written with their cause; a relay delivers them at least once and deletes them.
CREATE TABLE outbox (
  seq {seq},
  id TEXT NOT NULL UNIQUE,
  topic TEXT NOT NULL,
  op TEXT,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Answers to repeated requests with one Idempotency-Key.
CREATE TABLE idempotency (
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  op TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, user_id, key)
);
CREATE INDEX idempotency_expiry ON idempotency(expires_at);

CREATE TABLE lease_lock (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  token BIGINT NOT NULL,
  until BIGINT NOT NULL
);
