-- The whole model. Times are Unix milliseconds, flags 0 or 1, units integers.
-- Foreign keys hold rows together; what an owner may see is decided by
-- workspace_id in every query.

-- +goose Up

-- Money first: everything that spends points at a purse.

CREATE TABLE purses (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  unit         TEXT    NOT NULL DEFAULT 'units' CHECK (unit IN ('units', 'messages')),
  quota        INTEGER NOT NULL DEFAULT 0 CHECK (quota >= 0),
  used         INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  reserved     INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  unlimited    INTEGER NOT NULL DEFAULT 0 CHECK (unlimited IN (0, 1)),
  opening      INTEGER NOT NULL DEFAULT 0 CHECK (opening >= 0),
  refill       TEXT    NOT NULL DEFAULT 'none' CHECK (refill IN ('none', 'daily', 'weekly', 'monthly')),
  period_at    INTEGER NOT NULL,
  CHECK (unlimited = 1 OR used + reserved <= quota)
) STRICT;
CREATE INDEX purses_spent ON purses (workspace_id, id) WHERE unlimited = 0 AND used >= quota;

CREATE TABLE holds (
  request_id      TEXT    PRIMARY KEY,
  workspace_id    INTEGER NOT NULL,
  boot_id         TEXT    NOT NULL,
  state           TEXT    NOT NULL CHECK (state IN ('reserved', 'streaming', 'settled', 'released')),
  units           INTEGER NOT NULL CHECK (units >= 0),
  messages        INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
  actual          INTEGER CHECK (actual >= 0),
  checkpoint      INTEGER NOT NULL DEFAULT 0 CHECK (checkpoint >= 0),
  estimated       INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1)),
  excess          INTEGER NOT NULL DEFAULT 0 CHECK (excess >= 0),
  token_purse     INTEGER REFERENCES purses (id),
  share_purse     INTEGER REFERENCES purses (id),
  customer_purse  INTEGER REFERENCES purses (id),
  workspace_purse INTEGER REFERENCES purses (id),
  request         TEXT    NOT NULL DEFAULT '{}',
  created_at      INTEGER NOT NULL,
  ended_at        INTEGER,
  deadline_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_open ON holds (deadline_at) WHERE state IN ('reserved', 'streaming');
CREATE INDEX holds_ended ON holds (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE requests (
  id             INTEGER PRIMARY KEY,
  request_id     TEXT    NOT NULL UNIQUE,
  at             INTEGER NOT NULL,
  workspace_id   INTEGER NOT NULL,
  token_id       INTEGER NOT NULL DEFAULT 0,
  share_id       INTEGER NOT NULL DEFAULT 0,
  customer_id    INTEGER NOT NULL DEFAULT 0,
  bot_id         INTEGER NOT NULL DEFAULT 0,
  provider_id    INTEGER NOT NULL DEFAULT 0,
  model          TEXT    NOT NULL DEFAULT '',
  door           TEXT    NOT NULL,
  stream         INTEGER NOT NULL DEFAULT 0 CHECK (stream IN (0, 1)),
  outcome        TEXT    NOT NULL CHECK (outcome IN ('answered', 'partial', 'refused', 'failed')),
  status         INTEGER NOT NULL,
  rule           TEXT    NOT NULL DEFAULT '',
  prompt         INTEGER NOT NULL DEFAULT 0 CHECK (prompt >= 0),
  completion     INTEGER NOT NULL DEFAULT 0 CHECK (completion >= 0),
  units          INTEGER NOT NULL DEFAULT 0 CHECK (units >= 0),
  estimated      INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1)),
  first_byte_ms  INTEGER,
  total_ms       INTEGER NOT NULL DEFAULT 0,
  address        TEXT    NOT NULL DEFAULT '',
  trace          TEXT    NOT NULL DEFAULT '[]',
  leads          INTEGER NOT NULL DEFAULT 1 CHECK (leads IN (0, 1))
) STRICT;
CREATE INDEX requests_workspace ON requests (workspace_id, at, id);
-- Of each model and second at least one row leads; most do not, and cost nothing.
CREATE INDEX requests_model ON requests (workspace_id, lower(model), at) WHERE leads = 1;
CREATE INDEX requests_token ON requests (token_id, at, id) WHERE token_id <> 0;
-- What a plain call of a program never writes.
CREATE INDEX requests_share ON requests (share_id, at, id) WHERE share_id <> 0;
CREATE INDEX requests_customer ON requests (customer_id, at, id) WHERE customer_id <> 0;
CREATE INDEX requests_bot ON requests (bot_id, at, id) WHERE bot_id <> 0;
CREATE INDEX requests_wrong ON requests (workspace_id, outcome, at, id) WHERE outcome <> 'answered';

CREATE TABLE usage_days (
  workspace_id INTEGER NOT NULL,
  day          TEXT    NOT NULL,
  token_id     INTEGER NOT NULL DEFAULT 0,
  share_id     INTEGER NOT NULL DEFAULT 0,
  customer_id  INTEGER NOT NULL DEFAULT 0,
  bot_id       INTEGER NOT NULL DEFAULT 0,
  model        TEXT    NOT NULL DEFAULT '',
  requests     INTEGER NOT NULL DEFAULT 0 CHECK (requests >= 0),
  messages     INTEGER NOT NULL DEFAULT 0 CHECK (messages BETWEEN 0 AND requests), -- those that delivered something
  refused      INTEGER NOT NULL DEFAULT 0 CHECK (refused >= 0),
  prompt       INTEGER NOT NULL DEFAULT 0 CHECK (prompt >= 0),
  completion   INTEGER NOT NULL DEFAULT 0 CHECK (completion >= 0),
  units        INTEGER NOT NULL DEFAULT 0 CHECK (units >= 0),
  PRIMARY KEY (workspace_id, day, token_id, share_id, customer_id, bot_id, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_days_token ON usage_days (token_id, day) WHERE token_id <> 0;
CREATE INDEX usage_days_share ON usage_days (share_id, customer_id, day) WHERE share_id <> 0;

-- Instance.

CREATE TABLE groups (
  id          INTEGER PRIMARY KEY,
  public_id   TEXT    NOT NULL UNIQUE,
  name        TEXT    NOT NULL UNIQUE,
  ratio_ppm   INTEGER NOT NULL DEFAULT 1000000 CHECK (ratio_ppm >= 0),
  rpm         INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0),
  tpm         INTEGER NOT NULL DEFAULT 0 CHECK (tpm >= 0),
  models      TEXT,
  description TEXT    NOT NULL DEFAULT '',
  enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL DEFAULT 1
) STRICT;

-- The group of every token that names none.
INSERT INTO groups (public_id, name, created_at) VALUES (lower(hex(randomblob(16))), 'default', 0);

CREATE TABLE prices (
  id         INTEGER PRIMARY KEY,
  public_id  TEXT    NOT NULL UNIQUE,
  model      TEXT    NOT NULL UNIQUE,
  prompt     INTEGER NOT NULL CHECK (prompt >= 0),
  completion INTEGER NOT NULL CHECK (completion >= 0),
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE settings (
  key     TEXT    PRIMARY KEY,
  value   TEXT    NOT NULL,
  version INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  number      INTEGER PRIMARY KEY,
  check_value TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  retired_at  INTEGER
) STRICT;

-- People.

CREATE TABLE workspaces (
  id             INTEGER PRIMARY KEY,
  public_id      TEXT    NOT NULL UNIQUE,
  name           TEXT    NOT NULL,
  time_zone      TEXT    NOT NULL DEFAULT 'UTC',
  group_name     TEXT    NOT NULL DEFAULT 'default' REFERENCES groups (name),
  purse_id       INTEGER NOT NULL REFERENCES purses (id),
  brand          TEXT    NOT NULL DEFAULT '{}',
  token_count    INTEGER NOT NULL DEFAULT 0 CHECK (token_count >= 0),
  share_count    INTEGER NOT NULL DEFAULT 0 CHECK (share_count >= 0),
  customer_count INTEGER NOT NULL DEFAULT 0 CHECK (customer_count >= 0),
  created_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 1,
  deleted_at     INTEGER
) STRICT;

CREATE TABLE users (
  id                INTEGER PRIMARY KEY,
  public_id         TEXT    NOT NULL UNIQUE,
  username          TEXT    NOT NULL,
  username_key      TEXT    NOT NULL,
  email             TEXT    NOT NULL DEFAULT '',
  email_key         TEXT,
  nickname          TEXT    NOT NULL DEFAULT '',
  password_hash     TEXT    NOT NULL,
  is_admin          INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
  enabled           INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  must_change       INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
  home_workspace_id INTEGER REFERENCES workspaces (id),
  language          TEXT    NOT NULL DEFAULT '',
  time_zone         TEXT    NOT NULL DEFAULT '',
  totp_sealed       BLOB,
  totp_last_step    INTEGER NOT NULL DEFAULT 0,
  last_login_at     INTEGER,
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1,
  deleted_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX users_username ON users (username_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE deleted_at IS NULL AND email_key IS NOT NULL;

CREATE TABLE members (
  workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
  user_id      INTEGER NOT NULL REFERENCES users (id),
  role         TEXT    NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
  created_at   INTEGER NOT NULL,
  version      INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (workspace_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id);

CREATE TABLE customers (
  id            INTEGER PRIMARY KEY,
  public_id     TEXT    NOT NULL UNIQUE,
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  username      TEXT    NOT NULL,
  username_key  TEXT    NOT NULL,
  email         TEXT    NOT NULL DEFAULT '',
  note          TEXT    NOT NULL DEFAULT '',
  password_hash TEXT    NOT NULL,
  enabled       INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  must_change   INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
  language      TEXT    NOT NULL DEFAULT '',
  created_by    INTEGER NOT NULL DEFAULT 0,
  last_login_at INTEGER,
  created_at    INTEGER NOT NULL,
  version       INTEGER NOT NULL DEFAULT 1,
  deleted_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX customers_username ON customers (workspace_id, username_key) WHERE deleted_at IS NULL;
CREATE INDEX customers_list ON customers (workspace_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX customers_name ON customers (username_key, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_by_name ON customers (workspace_id, username_key, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_by_use ON customers (workspace_id, COALESCE(last_login_at, 0), id) WHERE deleted_at IS NULL;
CREATE INDEX customers_disabled ON customers (workspace_id, id) WHERE deleted_at IS NULL AND enabled = 0;

CREATE TABLE sessions (
  id_hash      BLOB    PRIMARY KEY,
  kind         TEXT    NOT NULL CHECK (kind IN ('user', 'customer')),
  subject_id   INTEGER NOT NULL,
  workspace_id INTEGER NOT NULL DEFAULT 0,
  data         TEXT    NOT NULL DEFAULT '{}',
  auth_at      INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL,
  idle_until   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  address      TEXT    NOT NULL DEFAULT '',
  agent        TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_subject ON sessions (kind, subject_id, seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE login_tokens (
  hash       BLOB    PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('user', 'customer')),
  subject_id INTEGER NOT NULL,
  door       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER,
  address    TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX login_tokens_subject ON login_tokens (kind, subject_id, door);

CREATE TABLE reset_codes (
  hash       BLOB    PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('user', 'customer')),
  subject_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
  hash         BLOB    PRIMARY KEY,
  public_id    TEXT    NOT NULL UNIQUE,
  workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
  role         TEXT    NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
  email        TEXT    NOT NULL DEFAULT '',
  created_by   INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  subject_id   INTEGER,
  used_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  hash       BLOB    PRIMARY KEY,
  subject_id INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
  key        BLOB    PRIMARY KEY,
  subject_id INTEGER NOT NULL REFERENCES users (id),
  name       TEXT    NOT NULL DEFAULT '',
  credential TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
  key        TEXT    PRIMARY KEY,
  subject_id INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE throttle (
  key        TEXT    PRIMARY KEY,
  failures   INTEGER NOT NULL CHECK (failures >= 0),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttle_expiry ON throttle (expires_at);

-- Providers and bots.

CREATE TABLE providers (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT    NOT NULL UNIQUE,
  workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
  name         TEXT    NOT NULL,
  base_url     TEXT    NOT NULL,
  key_sealed   BLOB,
  priority     INTEGER NOT NULL DEFAULT 0,
  enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  paused_at    INTEGER,
  pause_reason TEXT    NOT NULL DEFAULT '',
  created_at   INTEGER NOT NULL,
  version      INTEGER NOT NULL DEFAULT 1,
  deleted_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX providers_name ON providers (workspace_id, name) WHERE deleted_at IS NULL;

CREATE TABLE provider_models (
  provider_id   INTEGER NOT NULL REFERENCES providers (id),
  workspace_id  INTEGER NOT NULL,
  name          TEXT    NOT NULL,
  upstream_name TEXT    NOT NULL,
  kind          TEXT    NOT NULL DEFAULT 'chat' CHECK (kind IN ('chat', 'embedding')),
  max_output    INTEGER NOT NULL DEFAULT 0 CHECK (max_output >= 0),
  PRIMARY KEY (provider_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_models_name ON provider_models (workspace_id, name);

CREATE TABLE blobs (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT    NOT NULL UNIQUE,
  workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
  content_type TEXT    NOT NULL,
  body         BLOB    NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE bots (
  id                  INTEGER PRIMARY KEY,
  public_id           TEXT    NOT NULL UNIQUE,
  workspace_id        INTEGER NOT NULL REFERENCES workspaces (id),
  slug                TEXT    NOT NULL,
  name                TEXT    NOT NULL,
  kind                TEXT    NOT NULL DEFAULT 'dialog' CHECK (kind IN ('dialog', 'agent')),
  provider_id         INTEGER NOT NULL REFERENCES providers (id),
  model               TEXT    NOT NULL,
  system_prompt       TEXT    NOT NULL DEFAULT '',
  params              TEXT    NOT NULL DEFAULT '{}',
  avatar_id           INTEGER REFERENCES blobs (id),
  avatar_url          TEXT    NOT NULL DEFAULT '',
  welcome             TEXT    NOT NULL DEFAULT '',
  suggested_questions TEXT    NOT NULL DEFAULT '[]',
  settings            TEXT    NOT NULL DEFAULT '{}',
  allowed_origins     TEXT    NOT NULL DEFAULT '[]',
  retention_days      INTEGER CHECK (retention_days >= 0),
  identity_key_sealed BLOB,
  enabled             INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_by          INTEGER NOT NULL DEFAULT 0,
  created_at          INTEGER NOT NULL,
  version             INTEGER NOT NULL DEFAULT 1,
  deleted_at          INTEGER
) STRICT;
CREATE UNIQUE INDEX bots_slug ON bots (workspace_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX bots_list ON bots (workspace_id, id DESC) WHERE deleted_at IS NULL;

-- Access.

CREATE TABLE secrets (
  hash        BLOB    PRIMARY KEY,
  kind        TEXT    NOT NULL CHECK (kind IN ('token', 'beta', 'share', 'handover')),
  subject_id  INTEGER NOT NULL,
  valid_until INTEGER,
  uses        INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_subject ON secrets (kind, subject_id);

CREATE TABLE api_tokens (
  id                INTEGER PRIMARY KEY,
  public_id         TEXT    NOT NULL UNIQUE,
  workspace_id      INTEGER NOT NULL REFERENCES workspaces (id),
  created_by        INTEGER NOT NULL DEFAULT 0,
  name              TEXT    NOT NULL,
  note              TEXT    NOT NULL DEFAULT '',
  bot_id            INTEGER REFERENCES bots (id),
  sealed            BLOB,
  beta_sealed       BLOB,
  hint              TEXT    NOT NULL,
  enabled           INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  expires_at        INTEGER,
  expired_seen_at   INTEGER,
  past              INTEGER NOT NULL DEFAULT 0 CHECK (past IN (0, 1)),
  revoked_at        INTEGER,
  revoked_by        INTEGER,
  deleted_at        INTEGER,
  purse_id          INTEGER NOT NULL REFERENCES purses (id),
  models_limited    INTEGER NOT NULL DEFAULT 0 CHECK (models_limited IN (0, 1)),
  models            TEXT    NOT NULL DEFAULT '[]',
  addresses         TEXT    NOT NULL DEFAULT '[]',
  group_name        TEXT    NOT NULL DEFAULT '',
  permissions       TEXT    NOT NULL DEFAULT '["chat"]',
  permissions_shape TEXT    NOT NULL DEFAULT 'array' CHECK (permissions_shape IN ('array', 'string')),
  parameter_name    TEXT    NOT NULL DEFAULT '',
  rpm               INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0),
  tpm               INTEGER NOT NULL DEFAULT 0 CHECK (tpm >= 0),
  concurrent        INTEGER NOT NULL DEFAULT 0 CHECK (concurrent >= 0),
  show_once         INTEGER NOT NULL DEFAULT 0 CHECK (show_once IN (0, 1)),
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  used_at           INTEGER,
  version           INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX api_tokens_list ON api_tokens (workspace_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX api_tokens_name ON api_tokens (workspace_id, name, created_at) WHERE deleted_at IS NULL;
CREATE INDEX api_tokens_bot ON api_tokens (bot_id, id DESC) WHERE deleted_at IS NULL AND bot_id IS NOT NULL;
CREATE INDEX api_tokens_expiry ON api_tokens (workspace_id, expires_at) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX api_tokens_purse ON api_tokens (purse_id);
CREATE INDEX api_tokens_by_name ON api_tokens (workspace_id, lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX api_tokens_by_use ON api_tokens (workspace_id, COALESCE(used_at, 0), id) WHERE deleted_at IS NULL;
CREATE INDEX api_tokens_by_end ON api_tokens (workspace_id, COALESCE(expires_at, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX api_tokens_revoked ON api_tokens (workspace_id, id) WHERE deleted_at IS NULL AND revoked_at IS NOT NULL;
-- Its end has passed, as the clock saw it; of those whose end has, all but the last.
CREATE INDEX api_tokens_past ON api_tokens (workspace_id, id) WHERE deleted_at IS NULL AND past = 1;
CREATE INDEX api_tokens_due ON api_tokens (expires_at) WHERE past = 0 AND expires_at IS NOT NULL;
CREATE INDEX api_tokens_disabled ON api_tokens (workspace_id, id) WHERE deleted_at IS NULL AND revoked_at IS NULL AND enabled = 0;

CREATE TABLE shares (
  id             INTEGER PRIMARY KEY,
  public_id      TEXT    NOT NULL UNIQUE,
  workspace_id   INTEGER NOT NULL REFERENCES workspaces (id),
  bot_id         INTEGER NOT NULL REFERENCES bots (id),
  created_by     INTEGER NOT NULL DEFAULT 0,
  name           TEXT    NOT NULL DEFAULT '',
  sealed         BLOB    NOT NULL,
  hint           TEXT    NOT NULL,
  expires_at     INTEGER,
  paused_at      INTEGER,
  revoked_at     INTEGER,
  revoked_by     INTEGER,
  restricted     INTEGER NOT NULL DEFAULT 0 CHECK (restricted IN (0, 1)),
  max_customers  INTEGER CHECK (max_customers >= 0),
  rpm            INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0),
  allowance      INTEGER CHECK (allowance >= 0),
  allowance_unit TEXT    NOT NULL DEFAULT 'messages' CHECK (allowance_unit IN ('messages', 'units')),
  refill         TEXT    NOT NULL DEFAULT 'none' CHECK (refill IN ('none', 'daily', 'weekly', 'monthly')),
  purse_id       INTEGER NOT NULL REFERENCES purses (id),
  opens          INTEGER NOT NULL DEFAULT 0 CHECK (opens >= 0),
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 1,
  deleted_at     INTEGER
) STRICT;
CREATE INDEX shares_list ON shares (workspace_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX shares_bot ON shares (bot_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX shares_by_name ON shares (workspace_id, lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX shares_by_opens ON shares (workspace_id, opens, id) WHERE deleted_at IS NULL;
CREATE INDEX shares_by_end ON shares (workspace_id, COALESCE(expires_at, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX shares_revoked ON shares (workspace_id, id) WHERE deleted_at IS NULL AND revoked_at IS NOT NULL;
CREATE INDEX shares_paused ON shares (workspace_id, id) WHERE deleted_at IS NULL AND revoked_at IS NULL AND paused_at IS NOT NULL;

CREATE TABLE share_customers (
  share_id        INTEGER NOT NULL REFERENCES shares (id),
  customer_id     INTEGER NOT NULL REFERENCES customers (id),
  workspace_id    INTEGER NOT NULL,
  allowed         INTEGER NOT NULL DEFAULT 0 CHECK (allowed IN (0, 1)),
  first_opened_at INTEGER,
  last_opened_at  INTEGER,
  purse_id        INTEGER REFERENCES purses (id),
  PRIMARY KEY (share_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_customers_customer ON share_customers (customer_id);

CREATE TABLE handovers (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT    NOT NULL UNIQUE,
  workspace_id INTEGER NOT NULL,
  token_id     INTEGER NOT NULL REFERENCES api_tokens (id),
  sealed       BLOB,
  created_by   INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  opened_at    INTEGER,
  expires_at   INTEGER NOT NULL
) STRICT;

-- Conversations.

CREATE TABLE conversations (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT    NOT NULL UNIQUE,
  workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
  bot_id       INTEGER NOT NULL REFERENCES bots (id),
  share_id     INTEGER REFERENCES shares (id),
  customer_id  INTEGER REFERENCES customers (id),
  token_id     INTEGER REFERENCES api_tokens (id),
  visitor_hash BLOB,
  title        TEXT    NOT NULL DEFAULT '',
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  read_at      INTEGER,
  deleted_at   INTEGER
) STRICT;
CREATE INDEX conversations_customer ON conversations (share_id, customer_id, updated_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversations_workspace ON conversations (workspace_id, customer_id, updated_at DESC);
CREATE INDEX conversations_bot ON conversations (bot_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversations_visitor ON conversations (visitor_hash, updated_at DESC) WHERE visitor_hash IS NOT NULL;

CREATE TABLE messages (
  id              INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversations (id),
  workspace_id    INTEGER NOT NULL,
  position        INTEGER NOT NULL,
  role            TEXT    NOT NULL CHECK (role IN ('question', 'answer')),
  text            TEXT    NOT NULL,
  state           TEXT    NOT NULL CHECK (state IN ('pending', 'running', 'done', 'stopped', 'failed', 'cut')),
  request_id      TEXT    UNIQUE,
  reason          TEXT    NOT NULL DEFAULT '',
  client_key      TEXT,
  superseded_at   INTEGER,
  rating          INTEGER CHECK (rating IN (-1, 1)),
  rating_note     TEXT    NOT NULL DEFAULT '',
  created_at      INTEGER NOT NULL,
  UNIQUE (conversation_id, client_key)
) STRICT;
CREATE INDEX messages_conversation ON messages (conversation_id, position, id);
CREATE INDEX messages_running ON messages (conversation_id) WHERE state IN ('pending', 'running');

-- The rest.

CREATE TABLE audit (
  seq          INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,
  workspace_id INTEGER NOT NULL DEFAULT 0,
  actor        TEXT    NOT NULL,
  door         TEXT    NOT NULL,
  address      TEXT    NOT NULL DEFAULT '',
  action       TEXT    NOT NULL,
  object       TEXT    NOT NULL DEFAULT '',
  result       TEXT    NOT NULL DEFAULT 'done',
  detail       TEXT    NOT NULL DEFAULT '{}',
  key_number   INTEGER NOT NULL,
  prev         BLOB    NOT NULL,
  hash         BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_workspace ON audit (workspace_id, seq DESC);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never removed'); END;
-- +goose StatementEnd

CREATE TABLE idempotency (
  caller        TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  request_hash  BLOB    NOT NULL,
  state         TEXT    NOT NULL CHECK (state IN ('running', 'done')),
  status        INTEGER NOT NULL DEFAULT 0,
  answer_sealed BLOB,
  expires_at    INTEGER NOT NULL,
  PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE jobs (
  id            INTEGER PRIMARY KEY,
  public_id     TEXT    NOT NULL UNIQUE,
  workspace_id  INTEGER NOT NULL DEFAULT 0,
  created_by    INTEGER NOT NULL DEFAULT 0,
  kind          TEXT    NOT NULL,
  state         TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  done          INTEGER NOT NULL DEFAULT 0,
  total         INTEGER NOT NULL DEFAULT 0,
  detail        TEXT    NOT NULL DEFAULT '{}',
  result_sealed BLOB,
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  fetched_at    INTEGER
) STRICT;
CREATE INDEX jobs_by_user ON jobs (workspace_id, created_by, id);

CREATE TABLE job_pieces (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  n      INTEGER NOT NULL,
  piece  BLOB    NOT NULL,
  PRIMARY KEY (job_id, n)
) STRICT;

CREATE TABLE webhooks (
  id            INTEGER PRIMARY KEY,
  public_id     TEXT    NOT NULL UNIQUE,
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  url           TEXT    NOT NULL,
  secret_sealed BLOB    NOT NULL,
  enabled       INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at    INTEGER NOT NULL,
  version       INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE alerts (
  workspace_id INTEGER NOT NULL,
  subject      TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  crossed_at   INTEGER NOT NULL,
  sent_at      INTEGER,
  PRIMARY KEY (workspace_id, subject, kind)
) STRICT, WITHOUT ROWID;

-- What import brought from another system, so that a second run brings it no more.
CREATE TABLE imports (
  source     TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('user', 'token')),
  key        TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (source, kind, key)
) STRICT, WITHOUT ROWID;

-- Search: three characters or more go through a trigram index, in any script.

CREATE VIRTUAL TABLE api_tokens_search USING fts5 (name, note, hint, content='api_tokens', content_rowid='id', tokenize='trigram');
CREATE VIRTUAL TABLE shares_search USING fts5 (name, hint, content='shares', content_rowid='id', tokenize='trigram');
CREATE VIRTUAL TABLE customers_search USING fts5 (username, email, note, content='customers', content_rowid='id', tokenize='trigram');

-- One or two characters are found in texts with a mark between any two characters,
-- whose trigrams they are. Whoever writes the row writes them.

CREATE VIRTUAL TABLE api_tokens_short USING fts5 (text, content='', contentless_delete=1, detail='none', tokenize='trigram');
CREATE VIRTUAL TABLE shares_short USING fts5 (text, content='', contentless_delete=1, detail='none', tokenize='trigram');
CREATE VIRTUAL TABLE customers_short USING fts5 (text, content='', contentless_delete=1, detail='none', tokenize='trigram');

-- +goose StatementBegin
CREATE TRIGGER api_tokens_search_insert AFTER INSERT ON api_tokens BEGIN
  INSERT INTO api_tokens_search (rowid, name, note, hint) VALUES (new.id, new.name, new.note, new.hint);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_tokens_search_update AFTER UPDATE OF name, note, hint ON api_tokens BEGIN
  INSERT INTO api_tokens_search (api_tokens_search, rowid, name, note, hint) VALUES ('delete', old.id, old.name, old.note, old.hint);
  INSERT INTO api_tokens_search (rowid, name, note, hint) VALUES (new.id, new.name, new.note, new.hint);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shares_search_insert AFTER INSERT ON shares BEGIN
  INSERT INTO shares_search (rowid, name, hint) VALUES (new.id, new.name, new.hint);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shares_search_update AFTER UPDATE OF name, hint ON shares BEGIN
  INSERT INTO shares_search (shares_search, rowid, name, hint) VALUES ('delete', old.id, old.name, old.hint);
  INSERT INTO shares_search (rowid, name, hint) VALUES (new.id, new.name, new.hint);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER customers_search_insert AFTER INSERT ON customers BEGIN
  INSERT INTO customers_search (rowid, username, email, note) VALUES (new.id, new.username, new.email, new.note);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER customers_search_update AFTER UPDATE OF username, email, note ON customers BEGIN
  INSERT INTO customers_search (customers_search, rowid, username, email, note) VALUES ('delete', old.id, old.username, old.email, old.note);
  INSERT INTO customers_search (rowid, username, email, note) VALUES (new.id, new.username, new.email, new.note);
END;
-- +goose StatementEnd
