package main

import (
	"fmt"
	"os"

	"latchkey/internal/testbed/foreign"
)

// writeForeign SYSTEM FILE is a program that writes another system's database.
func writeForeign() {
	schema, rows := foreign.NewAPI, []string{
		`INSERT INTO options VALUES ('GroupRatio', '{"default":1,"vip":0.8}')`,
		`INSERT INTO users (id, username, password, role, status, email, quota, used_quota, "group") VALUES
			(1, 'root', 'hash', 100, 1, '', 5000000, 100, 'vip'), (2, 'mei', 'hash', 1, 2, 'mei@acme.example', 0, 0, 'default')`,
		`INSERT INTO tokens (id, user_id, key, name, remain_quota, used_quota, deleted_at) VALUES
			(1, 1, 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9rS1uV3', 'main', 1000, 5, NULL),
			(2, 2, 'bB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9rS1uV3', '', 1000, 5, NULL),
			(3, 1, 'cB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9rS1uV3', 'gone', 1000, 5, '2025-01-02 03:04:05')`,
	}
	if os.Args[1] == "oneapi" {
		schema, rows = foreign.OneAPI, []string{
			`INSERT INTO users (id, username, password) VALUES (1, 'root', 'hash')`,
			`INSERT INTO tokens (id, user_id, key, models, subnet) VALUES (1, 1, 'dB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9rS1uV3', 'gpt-4o', '10.0.0.0/8')`,
		}
	}
	if err := foreign.Write(os.Args[2], append([]string{schema}, rows...)...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
