package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// leftOutMost bounds how many rows a job names that it left as they were.
const leftOutMost = 200

// LeftOut is a row that an act on many left as it was, and why.
type LeftOut struct {
	Line int    `json:"line,omitempty"` // of a file
	ID   string `json:"id,omitempty"`   // public id of the row, "" for none
	Name string `json:"name,omitempty"` // "" where the row is gone
	Code string `json:"code"`
	Text string `json:"text"`
	Args []any  `json:"args,omitempty"`
}

// Error is why, as it can be spelled in any language.
func (l LeftOut) Error() *access.Error {
	args := make([]any, len(l.Args))
	for i, a := range l.Args {
		if f, ok := a.(float64); ok { // as JSON brings a number back
			a = int64(f)
		}
		args[i] = a
	}
	return &access.Error{Kind: access.Conflict, Code: l.Code, Text: l.Text, Args: args}
}

func leftOut(line int, id, name string, err error) LeftOut {
	l := LeftOut{Line: line, ID: id, Name: name, Code: "internal"}
	if problems := access.Problems(err); len(problems) > 0 {
		l.Code, l.Text, l.Args = problems[0].Code, problems[0].Text, problems[0].Args
	}
	return l
}

// Progress is a job as its page shows it.
type Progress struct {
	db.Job
	LeftOut int64     // rows that were left as they were
	Refused int64     // those among them that an import tried
	Why     []LeftOut // the first of them
	Failure string    // code of what ended the job before its time, "" for nothing
	Result  bool      // there are passwords to fetch, once
}

// jobDetail is what a job keeps beside its counters.
type jobDetail struct {
	Address string    `json:"address,omitempty"`
	Bulk    *bulkJob  `json:"bulk,omitempty"`
	Export  *Export   `json:"export,omitempty"`
	LeftOut int64     `json:"left_out,omitempty"`
	Refused int64     `json:"refused,omitempty"`
	Why     []LeftOut `json:"why,omitempty"`
	Failure string    `json:"failure,omitempty"`
	Skipped []int     `json:"skipped,omitempty"` // lines of a file that turned out to be taken
}

func (d *jobDetail) leave(l LeftOut) {
	if d.LeftOut++; len(d.Why) < leftOutMost {
		d.Why = append(d.Why, l)
	}
}

func (d jobDetail) text() string {
	b, err := json.Marshal(d)
	if err != nil { // its fields are texts and numbers
		panic(err)
	}
	return string(b)
}

func jobPlace(publicID string) secret.Place {
	return secret.Place{Table: "jobs", Row: publicID, Column: "result_sealed"}
}

// Job returns how far a job of the actor's own came.
func (c *Control) Job(ctx context.Context, by access.Actor, publicID string) (Progress, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return Progress{}, err
	}
	j, err := c.DB.Job(ctx, by.WorkspaceID, by.UserNumber(), publicID)
	if err != nil {
		return Progress{}, err
	}
	var d jobDetail
	if err := json.Unmarshal([]byte(j.Detail), &d); err != nil {
		return Progress{}, err
	}
	return Progress{Job: j, LeftOut: d.LeftOut, Refused: d.Refused, Why: d.Why, Failure: d.Failure, Result: j.State == db.JobDone && j.Sealed != nil}, nil
}

// OpenJobs lists the actor's own jobs that have not ended, that failed, or that
// made something which they have not fetched.
func (c *Control) OpenJobs(ctx context.Context, by access.Actor) ([]db.Job, error) {
	if by.UserNumber() == 0 {
		return nil, nil
	}
	return c.DB.OpenJobs(ctx, by.WorkspaceID, by.UserNumber())
}

// JobResult opens what a job made, once: it is gone afterwards.
func (c *Control) JobResult(ctx context.Context, by access.Actor, publicID string) ([]byte, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return nil, err
	}
	sealed, err := c.DB.TakeJobResult(ctx, by, publicID)
	if err != nil {
		return nil, err
	}
	return c.Keys.Open(jobPlace(publicID), sealed)
}

// WorkOff carries out the jobs that wait, one after the other. A job that ctx cuts
// short goes on where it stood after the next start.
func (c *Control) WorkOff(ctx context.Context) error {
	for {
		j, ok, err := c.DB.TakeJob(ctx)
		if err != nil || !ok {
			return err
		}
		if err := c.work(ctx, j); err != nil {
			return err
		}
	}
}

// work carries a job out. What goes wrong with it ends the job, not the others.
func (c *Control) work(ctx context.Context, j db.Job) (err error) {
	var d jobDetail
	if err := json.Unmarshal([]byte(j.Detail), &d); err != nil {
		return err
	}
	var result []byte
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("control: panic in a job: %v\n%s", p, debug.Stack())
			}
		}()
		result, err = c.workOn(ctx, &j, &d)
	}()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.State, j.Sealed = db.JobDone, result
	if err != nil {
		j.State, d.Failure = db.JobFailed, "internal"
		if e, ok := errors.AsType[*access.Error](err); ok {
			d.Failure = e.Code
		} else {
			c.Log.ErrorContext(ctx, "a job failed", "job", j.PublicID, "kind", j.Kind, "error", err)
		}
	}
	j.Detail = d.text()
	return c.DB.EndJob(ctx, j)
}

func (c *Control) workOn(ctx context.Context, j *db.Job, d *jobDetail) ([]byte, error) {
	by, err := c.jobActor(ctx, *j, d.Address)
	if err != nil {
		return nil, err
	}
	if d.Export != nil {
		return nil, c.workExport(ctx, by, j, d)
	}
	if err := by.Must(access.ChangeAccess); err != nil {
		return nil, err
	}
	if j.Kind == jobImport {
		return c.workImport(ctx, by, j, d)
	}
	return nil, c.workBulk(ctx, by, j, d)
}

// jobActor is whoever began a job, with the role that they have now.
func (c *Control) jobActor(ctx context.Context, j db.Job, address string) (access.Actor, error) {
	u, err := c.DB.FindUser(ctx, j.CreatedBy)
	if err != nil {
		return access.Actor{}, err
	}
	by := userActor(u, access.DoorPage, address)
	by.WorkspaceID = j.WorkspaceID
	if by.Role, err = c.DB.RoleIn(ctx, j.WorkspaceID, u.ID); err != nil {
		return by, err
	}
	if !u.Enabled {
		return by, access.Fail(access.Forbidden, "forbidden", "You may not do this here.")
	}
	return by, nil
}
