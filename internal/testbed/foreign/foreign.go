// Package foreign writes database files as other systems do, for tests of what
// reads them. It is imported by tests alone.
package foreign

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the engine that those systems use
)

// NewAPI is the schema of New API, of 2026.
const NewAPI = `
CREATE TABLE users (id integer, username text UNIQUE, password text NOT NULL, display_name text, role integer DEFAULT 1, status integer DEFAULT 1,
	email text, github_id text, discord_id text, oidc_id text, wechat_id text, telegram_id text, access_token char(32), quota integer DEFAULT 0,
	used_quota integer DEFAULT 0, request_count integer DEFAULT 0, "group" varchar(64) DEFAULT 'default', aff_code varchar(32),
	aff_count integer DEFAULT 0, aff_quota integer DEFAULT 0, aff_history integer DEFAULT 0, inviter_id integer, deleted_at datetime,
	linux_do_id text, setting text, remark varchar(255), stripe_customer varchar(64), created_at integer, last_login_at integer DEFAULT 0,
	PRIMARY KEY (id));
CREATE UNIQUE INDEX idx_users_access_token ON users (access_token);
CREATE UNIQUE INDEX idx_users_aff_code ON users (aff_code);
CREATE INDEX idx_users_deleted_at ON users (deleted_at);
CREATE TABLE tokens (id integer, user_id integer, key varchar(128), status integer DEFAULT 1, name text, created_time integer, accessed_time integer,
	expired_time integer DEFAULT -1, remain_quota integer DEFAULT 0, unlimited_quota numeric, model_limits_enabled numeric, model_limits text,
	allow_ips text DEFAULT '', used_quota integer DEFAULT 0, "group" text DEFAULT '', cross_group_retry numeric, deleted_at datetime,
	PRIMARY KEY (id));
CREATE UNIQUE INDEX idx_tokens_key ON tokens (key);
CREATE INDEX idx_tokens_deleted_at ON tokens (deleted_at);
CREATE TABLE options (key text, value text, PRIMARY KEY (key));
CREATE TABLE channels (id integer, name text, key text NOT NULL, PRIMARY KEY (id));
CREATE TABLE logs (id integer, user_id integer, created_at integer, PRIMARY KEY (id));`

// OneAPI is the schema of One API 0.6.
const OneAPI = `
CREATE TABLE users (id integer, username text UNIQUE, password text NOT NULL, display_name text, role integer DEFAULT 1, status integer DEFAULT 1,
	email text, github_id text, wechat_id text, lark_id text, oidc_id text, access_token char(32), quota bigint DEFAULT 0,
	used_quota bigint DEFAULT 0, request_count integer DEFAULT 0, "group" varchar(32) DEFAULT 'default', aff_code varchar(32),
	inviter_id integer, PRIMARY KEY (id));
CREATE UNIQUE INDEX idx_users_access_token ON users (access_token);
CREATE UNIQUE INDEX idx_users_aff_code ON users (aff_code);
CREATE TABLE tokens (id integer, user_id integer, key char(48), status integer DEFAULT 1, name text, created_time bigint, accessed_time bigint,
	expired_time bigint DEFAULT -1, remain_quota bigint DEFAULT 0, unlimited_quota numeric DEFAULT false, used_quota bigint DEFAULT 0,
	models text DEFAULT '', subnet text DEFAULT '', PRIMARY KEY (id));
CREATE UNIQUE INDEX idx_tokens_key ON tokens (key);
CREATE TABLE options (key text, value text, PRIMARY KEY (key));
CREATE TABLE channels (id integer, name text, key text, PRIMARY KEY (id));`

// OldOneAPI is the schema of One API in its first year: tokens without what they
// used and without limits, no options yet.
const OldOneAPI = `
CREATE TABLE users (id integer, username text UNIQUE, password text NOT NULL, display_name text, role integer DEFAULT 1, status integer DEFAULT 1,
	email text, github_id text, wechat_id text, access_token char(32), quota integer DEFAULT 0, used_quota integer DEFAULT 0,
	"group" varchar(32) DEFAULT 'default', PRIMARY KEY (id));
CREATE TABLE tokens (id integer, user_id integer, key char(32), status integer DEFAULT 1, name text, created_time integer, accessed_time integer,
	expired_time integer DEFAULT -1, remain_quota integer DEFAULT 0, unlimited_quota numeric DEFAULT false, PRIMARY KEY (id));`

// File writes a database file and returns where it is.
func File(tb testing.TB, statements ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "foreign.db")
	if err := Write(path, statements...); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Write runs statements on a database file.
func Write(path string, statements ...string) error {
	d, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return err
	}
	for _, text := range statements {
		if _, err = d.Exec(text); err != nil {
			break
		}
	}
	if closing := d.Close(); err == nil {
		err = closing
	}
	return err
}
