package control_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

func TestImportNewAPI(t *testing.T) {
	i := newImporting(t, db.NewAPI, ratios,
		`INSERT INTO users (id, username, password, display_name, role, status, email, quota, used_quota, "group", aff_code, created_at)
			VALUES (1, 'root', '$2a$10$x', 'Root User', 100, 1, 'root@acme.example', 5000, 70, 'vip', 'aaaa', 1700000000),
			(2, 'mei', '$2a$10$y', '梅', 1, 1, '', 900000, 0, 'default', 'bbbb', 1700000000)`,
		`INSERT INTO tokens VALUES (1, 1, '`+key(1)+`', 1, 'main', 1700000001, 1700000002, -1, 1000, 0, 1, 'gpt-4o-mini,gpt-4o', '127.0.0.1
			10.0.0.0/8,2001:db8::1', 40, 'svip', 0, NULL)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, remain_quota, used_quota, expired_time, allow_ips)
			VALUES (2, 2, 'sk-`+key(2)+`', 1, -77, 33, 4102444800, NULL)`,
	)
	before := i.count()
	dry := i.run(true)
	if after := i.count(); after != before {
		t.Fatalf("a dry run wrote: %s, then %s", before, after)
	}
	out := i.run(false)
	if notes(dry) != notes(out) || dry.Users != out.Users || dry.Tokens != out.Tokens || !slices.Equal(dry.Groups, out.Groups) {
		t.Errorf("dry %+v, then %+v", dry, out)
	}
	i.tallies(out, control.Tally{Made: 2}, control.Tally{Made: 2})
	if !slices.Equal(out.Groups, []string{"vip", "svip"}) {
		t.Errorf("groups %v", out.Groups)
	}
	i.noted(out, "user root", "was an admin there")

	root, home := i.user("root")
	if root.IsAdmin || !root.Enabled || root.PasswordHash != "" || root.Nickname != "Root User" || root.Email != "root@acme.example" ||
		root.CreatedAt.Unix() != 1_700_000_000 || home.PublicID != root.PublicID || home.Name != "Root User" || home.GroupName != "vip" || home.TokenCount != 1 {
		t.Errorf("root is %+v in %+v", root, home)
	}
	purses, err := i.DB.Ledger.Remain(t.Context(), db.Purses{Workspace: home.PurseID}, time.UTC)
	if p := purses.Of(home.PurseID); err != nil || p.Unlimited || p.Used != 70 || p.Opening != 70 || p.Remain() != 5000 {
		t.Errorf("root's purse is %+v (%v)", p, err)
	}
	k := i.token(key(1))
	if k.WorkspaceID != home.ID || k.CreatedBy != root.ID || k.Name != "main" || !k.Enabled || !k.ExpiresAt.IsZero() || k.GroupName != "svip" ||
		!k.ModelsLimited || !slices.Equal(k.Models, []string{"gpt-4o-mini", "gpt-4o"}) || k.CreatedAt.Unix() != 1_700_000_001 || k.UsedAt.Unix() != 1_700_000_002 ||
		!slices.Equal(access.FormatAddresses(k.Addresses), []string{"127.0.0.1", "10.0.0.0/8", "2001:db8::1"}) {
		t.Errorf("the token is %+v", k.Token)
	}
	if p := k.Purse; p.Unlimited || p.Quota != 1040 || p.Used != 40 || p.Opening != 40 || p.Remain() != 1000 {
		t.Errorf("its purse is %+v", p)
	}
	owner := access.Actor{Kind: access.ActorUser, ID: root.ID, WorkspaceID: home.ID, Role: access.Owner}
	if text, beta, err := i.Control.RevealToken(t.Context(), owner, k.PublicID); err != nil || text != "sk-"+key(1) || len(beta) != 32 {
		t.Errorf("revealed %s and %s (%v)", text, beta, err)
	}
	if p := i.token(key(2)).Purse; !p.Unlimited || p.Used != 33 {
		t.Errorf("the unlimited purse is %+v", p)
	}
	for name, ratio := range map[string]int64{"vip": 800_000, "svip": 2_000_000} {
		if g, err := i.DB.FindGroup(t.Context(), name); err != nil || g.RatioPPM != ratio || !g.Enabled || !g.AllModels {
			t.Errorf("%s is %+v (%v)", name, g, err)
		}
	}
}

// Old keys work at the gateway, however a client spells them, and obey their
// limits.
func TestImportedKeysWork(t *testing.T) {
	i := newImporting(t, db.NewAPI, ratios,
		`INSERT INTO users (id, username, password, quota, "group") VALUES (1, 'mei', '', 10000000, 'vip'), (2, 'poor', '', 0, '')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota) VALUES (1, 1, '`+key(1)+`', 1), (2, 1, '`+strings.Repeat("0a1b2c3d", 4)+`', 1)`,
		`INSERT INTO tokens (id, user_id, key, remain_quota, used_quota) VALUES (3, 1, '`+key(3)+`', 100000, 5), (4, 1, '`+key(4)+`', 0, 5)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, model_limits_enabled, model_limits) VALUES (5, 1, '`+key(5)+`', 1, 1, 'gpt-4'),
			(6, 1, '`+key(6)+`', 1, 1, ''), (7, 1, '`+key(7)+`', 1, 0, 'gpt-4')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, allow_ips) VALUES (8, 1, '`+key(8)+`', 1, '192.0.2.7'), (9, 1, '`+key(9)+`', 1, '127.0.0.0/8')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, expired_time) VALUES (10, 1, '`+key(10)+`', 1, 1700000000), (11, 1, '`+key(11)+`', 1, 0)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, status) VALUES (12, 1, '`+key(12)+`', 1, 2)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, "group") VALUES (13, 1, '`+key(13)+`', 1, 'nowhere'), (14, 1, '`+key(14)+`', 1, 'auto')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota) VALUES (15, 2, '`+key(15)+`', 1)`,
	)
	i.Price(t, "gpt-4o-mini", 1_000_000, 1_000_000)
	i.run(false)
	for _, name := range []string{"mei", "poor"} {
		u, w := i.user(name)
		owner := access.Actor{Kind: access.ActorUser, ID: u.ID, WorkspaceID: w.ID, Role: access.Owner}
		if _, err := i.Control.CreateProvider(t.Context(), owner, control.ProviderForm{
			Name: new("models"), BaseURL: new(i.Faulty.URL + "/v1"), Key: new("upstream-key"), Models: &[]access.Model{{Name: "gpt-4o-mini"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"sk-" + key(1): "", key(1): "", "sk-sk-" + key(1): "", "sk-" + strings.Repeat("0a1b2c3d", 4): "",
		"sk-" + key(3): "", "sk-" + key(4): "insufficient_quota", "sk-" + key(5): "model_not_allowed", "sk-" + key(6): "model_not_allowed", "sk-" + key(7): "",
		"sk-" + key(8): "ip_not_allowed", "sk-" + key(9): "", "sk-" + key(10): "token_expired", "sk-" + key(11): "token_expired",
		"sk-" + key(12): "token_disabled", "sk-" + key(13): "group_not_allowed", "sk-" + key(14): "", "sk-" + key(15): "insufficient_quota",
		"sk-" + key(99): "invalid_api_key", strings.ToUpper("sk-" + key(1)): "invalid_api_key",
	} {
		if got := i.ask(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	i.sound()
}

// What cannot come is left out with its reason, and what cannot be kept comes
// disabled.
func TestImportReasons(t *testing.T) {
	i := newImporting(t, db.NewAPI,
		`INSERT INTO options VALUES ('GroupRatio', '{"vip":0.8,"odd":99999,"default":3}'), ('QuotaPerUnit', 'much')`,
		`INSERT INTO users (id, username, password, status, email, "group", deleted_at) VALUES (1, 'LIN', '', 1, 'lin@acme.example', 'odd', NULL),
			(2, 'gone', '', 1, '', 'x', '2025-01-01'), (3, 'banned', '', 2, 'no address', 'vip', NULL), (4, '', '', 1, NULL, NULL, NULL),
			(5, 'mei', '', 1, 'shared@acme.example', 'new', NULL), (6, 'MEI', '', 1, 'shared@acme.example', '`+strings.Repeat("g", 150)+`', NULL)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota) VALUES (1, 2, '`+key(1)+`', 1), (2, 99, '`+key(2)+`', 1), (3, 3, '`+key(3)+`', 1),
			(4, 5, NULL, 1), (5, 5, '', 1), (6, 5, 'with blank', 1), (7, 5, 'short', 1), (8, 5, 'aaaaaaaaaaaaaaaaaaaa', 1), (9, 5, '`+key(9)+`', 1),
			(10, 5, 'sk-`+key(9)+`', 1), (11, NULL, '`+key(11)+`', 1)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, status) VALUES (20, 5, '`+key(20)+`', 1, 3), (21, 5, '`+key(21)+`', 1, 4), (22, 5, '`+key(22)+`', 1, 0),
			(23, 5, '`+key(23)+`', 1, 9)`,
		`INSERT INTO tokens (id, user_id, key, status, remain_quota, expired_time) VALUES (24, 5, '`+key(24)+`', 4, -5, -1), (25, 5, '`+key(25)+`', 3, 5, 1600000000)`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, allow_ips) VALUES (30, 5, '`+key(30)+`', 1, '192.168.1.110.0.0.1'),
			(31, 5, '`+key(31)+`', 1, '10.0.0.1, nonsense'), (32, 5, '`+key(32)+`', 1, ',;'), (33, 5, '`+key(33)+`', 1, '   ')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, name, deleted_at) VALUES (40, 5, '`+key(40)+`', 1, 'a'||char(10)||'b'||char(0)||char(8238)||'c', NULL),
			(41, 5, '`+key(41)+`', 1, '`+strings.Repeat("名", 150)+`', NULL), (42, 5, '`+key(42)+`', 1, 'x', '2025-01-01')`,
		`INSERT INTO tokens (id, user_id, key, remain_quota, used_quota) VALUES (43, 5, '`+key(43)+`', 9e18, 9e18)`,
	)
	taken := i.House.Token(t, control.TokenForm{Secret: key(50)})
	i.add(`INSERT INTO tokens (id, user_id, key, unlimited_quota) VALUES (50, 5, '` + key(50) + `', 1)`)
	out := i.run(false)
	i.tallies(out, control.Tally{Made: 5, Left: 1}, control.Tally{Made: 15, Left: 11})
	for what, why := range map[string]string{
		"the file":                "a dollar is much units",
		"group odd":               "made with 1, and disabled",
		"group default":           "another price ratio than 3",
		"user LIN":                "imported as LIN-newapi",
		"user gone":               "deleted there, left out with 1 API tokens",
		"user banned":             "imported disabled",
		"user 4":                  "imported as newapi-user-4",
		"user MEI":                "imported as MEI-newapi",
		"API token 2":             "its user is not in the file",
		"API token 11":            "its user is not in the file",
		"API token 4 of mei":      "its key is none",
		"API token 5 of mei":      "its key is none",
		"API token 6 of mei":      "its key is none",
		"API token 7 of mei":      "its key is none",
		"API token 8 of mei":      "its key is none",
		"API token 10 of mei":     "stands in the file twice",
		"API token 20 of mei":     "imported disabled: it was refused there",
		"API token 21 of mei":     "imported disabled: it was refused there",
		"API token 22 of mei":     "unknown number 0",
		"API token 23 of mei":     "unknown number 9",
		"API token 30 of mei":     "imported disabled: its list of addresses holds none",
		"API token 31 of mei":     "nonsense",
		"API token 32 of mei":     "imported disabled: its list of addresses",
		"API token 42 “x” of mei": "deleted there",
		"API token 50 of mei":     "in use here already",
	} {
		i.noted(out, what, why)
	}
	for n, want := range map[int]access.Status{
		3: access.StatusDisabled, 9: access.StatusEnabled, 20: access.StatusDisabled, 21: access.StatusDisabled, 22: access.StatusDisabled, 23: access.StatusDisabled,
		24: access.StatusExhausted, 25: access.StatusExpired, 30: access.StatusDisabled, 31: access.StatusEnabled, 32: access.StatusDisabled, 33: access.StatusEnabled,
		40: access.StatusEnabled, 41: access.StatusEnabled, 43: access.StatusEnabled,
	} {
		if row := i.token(key(n)); row.Status(row.Purse, i.Now()) != want {
			t.Errorf("token %d is %s, want %s", n, row.Status(row.Purse, i.Now()), want)
		}
	}
	for n, want := range map[int]string{40: "abc", 41: strings.Repeat("名", 100)} {
		if got := i.token(key(n)).Name; got != want {
			t.Errorf("token %d is called %q", n, got)
		}
	}
	if p := i.token(key(43)).Purse; p.Used <= 0 || p.Remain() <= 0 || p.Quota > access.UnitsMax {
		t.Errorf("a huge purse is %+v", p)
	}
	if row, err := i.DB.Token(t.Context(), i.Workspace.ID, taken.Row.PublicID); err != nil || i.token(key(50)).ID != row.ID {
		t.Errorf("a token that was here lost its secret (%v)", err)
	}
	lin, _ := i.user("lin-newapi")
	banned, _ := i.user("banned")
	_, ofLin := i.user("lin-newapi")
	_, ofMei := i.user("mei-newapi")
	if lin.Email != "" || banned.Enabled || banned.Email != "" || ofLin.GroupName != "odd" || ofMei.GroupName != db.DefaultGroup {
		t.Errorf("%+v, %+v, %s, %s", lin, banned, ofLin.GroupName, ofMei.GroupName)
	}
	if mine, _ := i.user("lin"); mine.ID != i.User.ID {
		t.Error("somebody took the admin's name")
	}
	for name, enabled := range map[string]bool{"odd": false, "vip": true, "new": true} {
		if g, err := i.DB.FindGroup(t.Context(), name); err != nil || g.Enabled != enabled {
			t.Errorf("%s: %+v (%v)", name, g, err)
		}
	}
	for _, n := range out.Notes {
		for _, secretText := range []string{key(2), key(9), key(50), "with blank"} {
			if strings.Contains(n.What+n.Why, secretText) {
				t.Errorf("a note tells a key: %+v", n)
			}
		}
	}
}

// Where a dollar is worth other units there, amounts are counted anew: what is
// left never grows, what was used never shrinks.
func TestImportScales(t *testing.T) {
	i := newImporting(t, db.NewAPI, `INSERT INTO options VALUES ('QuotaPerUnit', '300000')`,
		`INSERT INTO users (id, username, password, quota, used_quota) VALUES (1, 'mei', '', 300001, 100001)`,
		`INSERT INTO tokens (user_id, key, remain_quota, used_quota) VALUES (1, '`+key(1)+`', 1, 1)`)
	i.run(false)
	_, w := i.user("mei")
	purses, err := i.DB.Ledger.Remain(t.Context(), db.Purses{Workspace: w.PurseID}, time.UTC)
	if p := purses.Of(w.PurseID); err != nil || p.Remain() != 500_001 || p.Used != 166_669 {
		t.Errorf("%+v (%v)", p, err)
	}
	if p := i.token(key(1)).Purse; p.Remain() != 1 || p.Used != 2 {
		t.Errorf("%+v", p)
	}
}

// Only who runs the instance may import.
func TestImportNeedsAnAdmin(t *testing.T) {
	i := newImporting(t, db.NewAPI, `INSERT INTO users (id, username, password) VALUES (1, 'mei', '')`)
	plain := i.Owner
	plain.IsAdmin = false
	for name, by := range map[string]access.Actor{
		"an owner": plain, "nobody": {}, "a token": {Kind: access.ActorToken, WorkspaceID: i.Workspace.ID, Permissions: access.Permissions{"admin"}},
	} {
		before := i.count()
		if _, err := i.Control.ImportForeign(t.Context(), by, i.read(), false); access.KindOf(err) != access.Forbidden && access.KindOf(err) != access.SignedOut {
			t.Errorf("%s: %v", name, err)
		}
		if i.count() != before {
			t.Errorf("%s wrote", name)
		}
	}
	if out := i.run(true); !maps.Equal(map[string]int{"made": out.Users.Made}, map[string]int{"made": 1}) {
		t.Errorf("%+v", out)
	}
}
