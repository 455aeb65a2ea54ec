package control

import (
	"fmt"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

func (o *office) newKey(name string, f TokenForm) db.TokenRow {
	o.t.Helper()
	f.Name = &name
	made, err := o.CreateToken(o.t.Context(), o.owner, f)
	o.must(err)
	return made.Row
}

// Each row for itself: what is gone, revoked or another's is named and left, and
// the rest is done.
func TestBulkReportsRowByRow(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	end := o.now().Add(24 * time.Hour)
	one, two, gone := o.newKey("one", TokenForm{ExpiresAt: &end}), o.newKey("two", TokenForm{}), o.newKey("gone", TokenForm{})
	o.must(o.RevokeToken(ctx, o.owner, two.PublicID))
	o.must(o.DeleteToken(ctx, o.owner, gone.PublicID))
	theirs, err := o.CreateToken(ctx, o.neighbour, TokenForm{Name: ptr("theirs")})
	o.must(err)
	done, left, err := o.Bulk(ctx, o.owner, "tokens", "extend", []string{one.PublicID, two.PublicID, gone.PublicID, theirs.Row.PublicID})
	o.must(err)
	if done != 1 || len(left) != 3 || left[0].Name != "two" || left[0].Code != "revoked_already" || left[1].Code != "not_found" || left[2].Name != "" {
		t.Fatalf("%d done, left: %+v", done, left)
	}
	if row, err := o.Token(ctx, o.owner, one.PublicID); err != nil || !row.ExpiresAt.Equal(end.Add(Extension)) {
		t.Errorf("it ends %s, %v", row.ExpiresAt, err)
	}
	if row, err := o.Token(ctx, o.neighbour, theirs.Row.PublicID); err != nil || row.Version != theirs.Row.Version {
		t.Errorf("another's token changed: %+v, %v", row, err)
	}
	for _, wrong := range [][2]string{{"tokens", "pause"}, {"shares", "disable"}, {"providers", "delete"}} {
		_, _, err := o.Bulk(ctx, o.owner, wrong[0], wrong[1], []string{one.PublicID})
		o.refused(err, "not_found")
		_, err = o.BulkAll(ctx, o.owner, wrong[0], wrong[1], db.Page{})
		o.refused(err, "not_found")
	}
}

// An act on all rows that fit goes on after its page is gone, does each once, and
// leaves those alone that were made after it began.
func TestBulkAll(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	end := o.now().Add(24 * time.Hour)
	for i := range 130 {
		o.newKey(fmt.Sprintf("desk %d", i), TokenForm{ExpiresAt: &end})
	}
	other := o.newKey("other", TokenForm{ExpiresAt: &end})
	stays := o.newKey("desk that was revoked", TokenForm{ExpiresAt: &end})
	o.must(o.RevokeToken(ctx, o.owner, stays.PublicID))
	j, err := o.BulkAll(ctx, o.owner, "tokens", "extend", db.Page{Query: "desk", Limit: 3, Before: 5})
	o.must(err)
	under, err := o.OpenJobs(ctx, o.owner)
	o.must(err)
	if len(under) != 1 || under[0].PublicID != j.PublicID || j.Total != 131 {
		t.Fatalf("under way: %+v", under)
	}
	o.must(o.WorkOff(ctx))
	p, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if p.State != db.JobDone || p.Done != 131 || p.LeftOut != 1 || p.Why[0].ID != stays.PublicID || p.Result {
		t.Fatalf("it ended as %+v", p)
	}
	rows, err := o.TokenPage(ctx, o.owner, db.Page{Limit: 200})
	o.must(err)
	for _, r := range rows {
		want := end.Add(Extension)
		if r.ID == other.ID || r.ID == stays.ID {
			want = end
		}
		if !r.ExpiresAt.Equal(want) {
			t.Errorf("%s ends %s, want %s", r.Name, r.ExpiresAt, want)
		}
	}
	// A job that was cut goes on behind the last row that it changed.
	j, err = o.BulkAll(ctx, o.owner, "tokens", "delete", db.Page{Query: "desk"})
	o.must(err)
	o.must(o.DB.RequeueJobs(ctx))
	o.must(o.WorkOff(ctx))
	if n, err := o.DB.CountTokens(ctx, o.workspace.ID, db.Page{}); err != nil || n != 1 {
		t.Errorf("%d tokens are left, %v", n, err)
	}
	if _, err := o.Job(ctx, o.neighbour, j.PublicID); access.KindOf(err) != access.NotFound {
		t.Errorf("another's job: %v", err)
	}
	o.wait(db.JobLife + time.Second)
	o.must(o.DB.ForgetExpired(ctx))
	_, err = o.Job(ctx, o.owner, j.PublicID)
	o.refused(err, "not_found")
}

func TestBulkAndJobsAreForThoseWhoMay(t *testing.T) {
	o := newOffice(t)
	one := o.newKey("one", TokenForm{})
	for _, by := range []access.Actor{o.as(access.Viewer), o.as(access.NoRole), o.token("read"), {}} {
		if _, _, err := o.Bulk(t.Context(), by, "tokens", "disable", []string{one.PublicID}); err == nil {
			t.Errorf("%v may change many", by.Role)
		}
		if _, err := o.BulkAll(t.Context(), by, "tokens", "disable", db.Page{}); err == nil {
			t.Errorf("%v may change all", by.Role)
		}
		if _, err := o.JobResult(t.Context(), by, "x"); err == nil {
			t.Errorf("%v may fetch passwords", by.Role)
		}
	}
}
