package control

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// exported reads the file of an export to its end, as rows below the head.
func (o *office) exported(next func(context.Context) ([]byte, error)) (head []string, rows [][]string) {
	o.t.Helper()
	var file bytes.Buffer
	for {
		piece, err := next(o.t.Context())
		o.must(err)
		if piece == nil {
			break
		}
		file.Write(piece)
	}
	all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.String(), "\ufeff"))).ReadAll()
	o.must(err)
	return all[0], all[1:]
}

func (o *office) jobFile(by access.Actor, id string) [][]string {
	o.t.Helper()
	_, next, err := o.ExportedPieces(o.t.Context(), by, id)
	o.must(err)
	_, rows := o.exported(next)
	return rows
}

// An export that is cut goes on behind its last piece: every row is in the file
// once, in the order of the list.
func TestExportGoesOnWhereItWasCut(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	const n = exportRows + 30
	for i := range n {
		o.newKey(fmt.Sprintf("desk %04d", (i*7919)%n), TokenForm{})
	}
	o.newKey("other", TokenForm{})
	j, err := o.BeginExport(ctx, o.owner, Export{List: "tokens", Page: db.Page{Query: "desk", Sort: db.SortName, Oldest: true}, Marked: true})
	o.must(err)
	if a := o.lastAudit(); a.Action != "token.export" || j.Total != 0 {
		t.Errorf("the audit log says %s; the total of a search is %d", a.Action, j.Total)
	}
	taken, _, err := o.DB.TakeJob(ctx)
	o.must(err)
	var d jobDetail
	o.must(json.Unmarshal([]byte(taken.Detail), &d))
	s, err := o.sheet(ctx, o.owner)
	o.must(err)
	o.must(o.exportPiece(ctx, o.owner, s, &taken, &d))
	half, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if half.State != db.JobRunning || half.Done != exportRows {
		t.Fatalf("after the cut it stands at %+v", half)
	}
	_, _, err = o.ExportedPieces(ctx, o.owner, j.PublicID)
	o.refused(err, "not_found") // before its end there is no file
	o.must(o.DB.RequeueJobs(ctx))
	o.must(o.WorkOff(ctx))
	p, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if p.State != db.JobDone || p.Done != n || p.LeftOut != 0 || p.Result {
		t.Fatalf("it ended as %+v", p)
	}
	for range 2 { // it can be fetched again
		list, next, err := o.ExportedPieces(ctx, o.owner, j.PublicID)
		o.must(err)
		head, rows := o.exported(next)
		if list != "tokens" || head[2] != "name" || len(rows) != n {
			t.Fatalf("%s: %d rows below %v", list, len(rows), head)
		}
		for i, row := range rows {
			if row[2] != fmt.Sprintf("desk %04d", i) {
				t.Fatalf("row %d is %s", i, row[2])
			}
		}
	}
}

// Work whose page is still wanted can be found again: until it ended, and until
// what it made was fetched. Nobody else finds it, and after a day nobody does.
func TestOpenJobs(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	open := func(by access.Actor, n int) {
		t.Helper()
		if all, err := o.OpenJobs(ctx, by); err != nil || len(all) != n {
			t.Errorf("%d jobs are open, want %d: %v", len(all), n, err)
		}
	}
	one, gone := o.newKey("one", TokenForm{}), o.newKey("gone", TokenForm{})
	o.must(o.DeleteToken(ctx, o.owner, gone.PublicID))
	picked := Export{List: "tokens", IDs: []string{one.PublicID, gone.PublicID}}
	if _, ok, err := o.ExportPicked(ctx, o.owner, picked); ok || err != nil {
		t.Errorf("a row that is gone was left out in silence: %v", err)
	}
	j, err := o.BeginExport(ctx, o.owner, picked)
	o.must(err)
	open(o.owner, 1)
	open(o.neighbour, 0)
	o.must(o.WorkOff(ctx))
	open(o.owner, 1)
	p, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if p.Done != 2 || p.LeftOut != 1 || p.Why[0].Code != "not_found" {
		t.Errorf("it ended as %+v", p)
	}
	other := o.owner
	other.ID, other.PublicID = o.neighbour.ID, o.neighbour.PublicID
	for _, by := range []access.Actor{o.neighbour, other} {
		_, _, err := o.ExportedPieces(ctx, by, j.PublicID)
		o.refused(err, "not_found")
	}
	if rows := o.jobFile(o.owner, j.PublicID); len(rows) != 1 || rows[0][2] != "one" {
		t.Errorf("the file holds %v", rows)
	}
	open(o.owner, 0)
	empty, err := o.BeginExport(ctx, o.as(access.Viewer), Export{List: "requests"})
	o.must(err)
	o.must(o.WorkOff(ctx))
	if rows := o.jobFile(o.owner, empty.PublicID); len(rows) != 0 {
		t.Errorf("a log without a call holds %v", rows)
	}
	o.wait(db.JobLife + time.Second)
	o.must(o.DB.ForgetExpired(ctx))
	_, _, err = o.ExportedPieces(ctx, o.owner, j.PublicID)
	o.refused(err, "not_found")
}

func TestExportIsForThoseWhoMay(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	for _, list := range []string{"tokens", "shares", "customers", "requests", "audit"} {
		e := Export{List: list}
		_, err := o.ExportPieces(ctx, o.owner, e)
		o.must(err)
		for _, by := range []access.Actor{o.as(access.NoRole), {}} {
			if _, err := o.ExportPieces(ctx, by, e); err == nil {
				t.Errorf("%s goes to %v", list, by.Role)
			}
			if _, err := o.BeginExport(ctx, by, e); err == nil {
				t.Errorf("%s goes to %v by a job", list, by.Role)
			}
		}
	}
	_, err := o.BeginExport(ctx, o.as(access.Viewer), Export{List: "audit"})
	o.refused(err, "forbidden")
	_, err = o.BeginExport(ctx, o.owner, Export{List: "prices"})
	o.refused(err, "not_found")
	// What is asked for again before secrets is asked for before a list.
	o.Reveal = RevealConfirm
	_, err = o.ExportPieces(ctx, o.owner, Export{List: "customers"})
	o.refused(err, "confirm_password")
	fresh := o.owner
	fresh.Fresh = true
	j, err := o.BeginExport(ctx, fresh, Export{List: "customers"})
	o.must(err)
	o.must(o.WorkOff(ctx))
	_, _, err = o.ExportedPieces(ctx, o.owner, j.PublicID)
	o.refused(err, "confirm_password")
	o.jobFile(fresh, j.PublicID)
}

func TestPlainCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@SUM": "'@SUM", "\tx": "'\tx", "\rx": "'\rx", "a=b": "a=b", "王芳": "王芳",
	} {
		if got := plainCell(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
