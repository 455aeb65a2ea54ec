package whole

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/testbed"
)

// Share links and customers are bot-share's and the native API's. What one makes
// the other shows, ends and refuses at once.

func iso(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000000")
	return strings.TrimSuffix(text, ".000000") + "+00:00"
}

// link is a share link as its issuer knows it.
type link struct {
	*testing.T
	id, secret, name string
	expires          time.Time
	status           string
}

func (s *store) shareRow(l *link) db.ShareRow {
	l.Helper()
	row, err := s.DB.Share(s.Context(), s.Workspace.ID, l.id)
	s.Must(err)
	return row
}

// linkers make a link on the house's bot.
var linkers = map[string]func(*store, *link){
	"native": func(s *store, l *link) {
		l.name, l.expires = "Partners", far
		a := s.as("native", "POST", api+"/shares", text(object{"bot_id": s.Bot.PublicID, "name": l.name, "expires_at": far.Format(time.RFC3339)})).Is(201)
		l.id, l.secret = a.At("id").(string), a.At("secret").(string)
	},
	"botshare": func(s *store, l *link) {
		l.name, l.expires = "合作伙伴", far
		a := s.as("botshare", "POST", "/api/v1/bots/"+testbed.UUID(s.Bot.PublicID)+"/share-tokens",
			text(object{"name": l.name, "expires_at": far.Format("2006-01-02T15:04:05Z")})).Is(200)
		l.id, l.secret = strings.ReplaceAll(a.At("id").(string), "-", ""), a.At("share_token").(string)
	},
}

// seen checks how both dialects show a link.
func (s *store) seen(l *link, when string) {
	l.Helper()
	r := s.shareRow(l)
	want := plain(object{
		"id": l.id, "workspace_id": s.Workspace.PublicID, "bot_id": s.Bot.PublicID, "name": l.name, "status": l.status, "hint": l.secret[len(l.secret)-4:],
		"expires_at": rfc(l.expires), "max_customers": r.MaxCustomers, "rpm": r.RPM, "allowance": r.Allowance, "allowance_unit": r.AllowanceUnit, "refill": "none",
		"cap": nil, "used": r.Purse.Used, "reserved": 0, "remain": nil, "restricted": false, "named": 0, "opened": r.Customers, "created_by": "lin",
		"created_at": rfc(r.CreatedAt), "updated_at": rfc(r.UpdatedAt), "paused_at": rfc(r.PausedAt), "revoked_at": rfc(r.RevokedAt), "version": r.Version,
		"customers": nil,
	})
	if d := cmp.Diff(want, s.as("native", "GET", api+"/shares/"+l.id, "").Is(200).JSON()); d != "" {
		l.Errorf("%s: native shows another link (-want +shown):\n%s", when, d)
	}
	want = plain(object{
		"id": testbed.UUID(l.id), "bot_id": testbed.UUID(s.Bot.PublicID), "share_token": l.secret, "name": l.name, "created_at": iso(r.CreatedAt),
		"expires_at": iso(l.expires), "revoked_at": iso(r.RevokedAt),
	})
	var shown any
	for _, one := range s.as("botshare", "GET", "/api/v1/bots/"+testbed.UUID(s.Bot.PublicID)+"/share-tokens", "").Is(200).At("items").([]any) {
		if one.(object)["id"] == testbed.UUID(l.id) {
			shown = one
		}
	}
	if d := cmp.Diff(want, shown); d != "" {
		l.Errorf("%s: bot-share shows another link (-want +shown):\n%s", when, d)
	}
}

// Links and customers of either dialect are limited by one and ended by either.
func TestOneStoreOfLinks(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	revoke := map[string]func(*link){
		"native":   func(l *link) { s.as("native", "POST", api+"/shares/"+l.id+"/revoke", "").Is(200) },
		"botshare": func(l *link) { s.as("botshare", "DELETE", "/api/v1/bot-share-tokens/"+testbed.UUID(l.id), "").Is(200) },
	}
	for made := range linkers {
		for enrolledBy := range enrollers {
			for ended := range revoke {
				t.Run(made+"/"+enrolledBy+"/"+ended, func(t *testing.T) {
					l := &link{T: t, status: "enabled"}
					linkers[made](s, l)
					s.seen(l, "issued")
					p := s.enrolled(t, enrolledBy, l)
					s.known(p, "enrolled", true)
					s.hears(p, l, 200, nil)
					s.seen(l, "asked")

					s.as("native", "POST", api+"/shares/"+l.id+"/pause", "").Is(200)
					l.status = "paused"
					s.hears(p, l, 403, "分享链接已暂停")
					s.seen(l, "paused")
					s.as("native", "POST", api+"/shares/"+l.id+"/resume", "").Is(200)
					l.status = "enabled"
					s.hears(p, l, 200, nil)
					s.as("native", "PATCH", api+"/shares/"+l.id, `{"allowance":1,"allowance_unit":"messages"}`).Is(200)
					s.hears(p, l, 429, "本链接的用量已用尽")
					s.as("native", "PATCH", api+"/shares/"+l.id, `{"allowance":null}`).Is(200)
					s.hears(p, l, 200, nil)

					revoke[ended](l)
					l.status = "revoked"
					s.hears(p, l, 403, "分享链接已被吊销")
					s.seen(l, "revoked")
				})
			}
		}
	}
}
