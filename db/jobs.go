package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

// JobLife is how long a job and its result are kept.
const JobLife = 24 * time.Hour

// JobState is how far a job came.
type JobState string

const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

// Job is work that goes on after the page that began it: a long act on many rows,
// an import. Its progress is written with the work, so that a restart goes on
// where it stood and nothing is done twice.
type Job struct {
	ID          int64
	PublicID    string
	WorkspaceID int64
	CreatedBy   int64 // number of the user
	Kind        string
	State       JobState
	Done, Total int64  // rows; a total of 0 is not known
	Detail      string // JSON of whoever runs it: what to do, and what went wrong
	Sealed      []byte // what it works on; when it is done, its result until that was fetched
	CreatedAt   time.Time
}

const jobColumns = "j.id, j.public_id, j.workspace_id, j.created_by, j.kind, j.state, j.done, j.total, j.detail, j.result_sealed, j.created_at"

func scanJob(s scanner) (Job, error) {
	var j Job
	var created moment
	err := s.Scan(&j.ID, &j.PublicID, &j.WorkspaceID, &j.CreatedBy, &j.Kind, &j.State, &j.Done, &j.Total, &j.Detail, &j.Sealed, &created)
	j.CreatedAt = created.Time
	return j, err
}

// MakeJob keeps a job for TakeJob.
func (d *DB) MakeJob(ctx context.Context, j Job) (Job, error) {
	err := d.change(ctx, func(t *Tx) (err error) {
		j.State, j.CreatedAt = JobWaiting, time.UnixMilli(t.now()).UTC()
		j.ID, err = t.insert(`INSERT INTO jobs (public_id, workspace_id, created_by, kind, state, total, detail, result_sealed, created_at, expires_at)
			VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, $9)`,
			j.PublicID, j.WorkspaceID, j.CreatedBy, j.Kind, j.Total, j.Detail, j.Sealed, t.now(), t.now()+JobLife.Milliseconds())
		t.after(func() {
			select {
			case d.jobs <- struct{}{}:
			default: // somebody was called already
			}
		})
		return err
	})
	return j, err
}

// JobsWait is told when a job waits for TakeJob.
func (d *DB) JobsWait() <-chan struct{} { return d.jobs }

// Job returns a job of the user who began it.
func (d *DB) Job(ctx context.Context, workspaceID, userID int64, publicID string) (Job, error) {
	j, err := scanJob(d.row(ctx, "SELECT "+jobColumns+` FROM jobs j
		WHERE j.workspace_id = $1 AND j.created_by = $2 AND j.public_id = $3 AND j.expires_at > $4`, workspaceID, userID, publicID, d.Now().UnixMilli()))
	return j, orNotFound(err, "job")
}

// OpenJobs lists the jobs of a user that their page is still wanted for, the newest
// first: those that have not ended, that failed, and that made something which
// nobody fetched.
func (d *DB) OpenJobs(ctx context.Context, workspaceID, userID int64) ([]Job, error) {
	var out []Job
	err := d.rows(ctx, list(&out, scanJob), "SELECT "+jobColumns+` FROM jobs j
		WHERE j.workspace_id = $1 AND j.created_by = $2 AND j.expires_at > $3 AND (j.state <> 'done' OR j.result_sealed IS NOT NULL
			OR j.fetched_at IS NULL AND EXISTS (SELECT 1 FROM job_pieces p WHERE p.job_id = j.id)) ORDER BY j.id DESC LIMIT 20`,
		workspaceID, userID, d.Now().UnixMilli())
	return out, err
}

// TakeJob takes the oldest job that waits; ok is false when none does.
func (d *DB) TakeJob(ctx context.Context) (j Job, ok bool, err error) {
	err = d.change(ctx, func(t *Tx) error {
		j, err = scanJob(t.row(`UPDATE jobs SET state = 'running' WHERE id = (SELECT o.id FROM jobs o WHERE o.state = 'waiting' ORDER BY o.id LIMIT 1)
			RETURNING id, public_id, workspace_id, created_by, kind, state, done, total, detail, result_sealed, created_at`))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return j, ok, err
}

// RequeueJobs lets jobs wait again that were running when the process ended.
func (d *DB) RequeueJobs(ctx context.Context) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE jobs SET state = 'waiting' WHERE state = 'running'")
		return err
	})
}

// StepJob writes how far a job came.
func (d *DB) StepJob(ctx context.Context, j Job) error {
	return d.change(ctx, func(t *Tx) error { return t.stepJob(j) })
}

func (t *Tx) stepJob(j Job) error {
	_, err := t.exec("UPDATE jobs SET done = $1, detail = $2 WHERE id = $3", j.Done, j.Detail, j.ID)
	return err
}

// EndJob writes how a job ended. What it worked on is forgotten for its result.
func (d *DB) EndJob(ctx context.Context, j Job) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE jobs SET state = $1, done = $2, detail = $3, result_sealed = $4 WHERE id = $5", j.State, j.Done, j.Detail, j.Sealed, j.ID)
		return err
	})
}

// AddJobPiece keeps the next piece of what a job makes, and how far it came.
func (d *DB) AddJobPiece(ctx context.Context, j Job, piece []byte) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("INSERT INTO job_pieces (job_id, n, piece) SELECT $1, COUNT(*), $2 FROM job_pieces WHERE job_id = $1", j.ID, piece)
		return errors.Join(err, t.stepJob(j))
	})
}

// JobPiece returns a piece, from 0, of what a job of the user made.
func (d *DB) JobPiece(ctx context.Context, workspaceID, userID int64, publicID string, n int) (piece []byte, err error) {
	err = d.row(ctx, `SELECT p.piece FROM jobs j JOIN job_pieces p ON p.job_id = j.id
		WHERE j.workspace_id = $1 AND j.created_by = $2 AND j.public_id = $3 AND j.state = 'done' AND j.expires_at > $4 AND p.n = $5`,
		workspaceID, userID, publicID, d.Now().UnixMilli(), n).Scan(&piece)
	return piece, orNotFound(err, "piece")
}

// FetchJob notes that what a job made is fetched: OpenJobs leaves it out from now on.
func (d *DB) FetchJob(ctx context.Context, by access.Actor, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE jobs SET fetched_at = $1 WHERE workspace_id = $2 AND created_by = $3 AND public_id = $4 AND fetched_at IS NULL",
			t.now(), by.WorkspaceID, by.UserNumber(), publicID)
		return err
	})
}

// TellExport writes into the audit log that somebody has a list of those as a file.
func (d *DB) TellExport(ctx context.Context, by access.Actor, noun string) error {
	return d.change(ctx, func(t *Tx) error {
		return t.tell(by, event{by.WorkspaceID, noun + ".export", object(noun, "", ""), nil})
	})
}

// TakeJobResult returns the sealed result of a job that is done, once: it is gone
// afterwards.
func (d *DB) TakeJobResult(ctx context.Context, by access.Actor, publicID string) (sealed []byte, err error) {
	err = d.change(ctx, func(t *Tx) error {
		var id int64
		err := t.row(`SELECT id, result_sealed FROM jobs WHERE workspace_id = $1 AND created_by = $2 AND public_id = $3 AND state = 'done'
			AND result_sealed IS NOT NULL AND expires_at > $4`, by.WorkspaceID, by.UserNumber(), publicID, t.now()).Scan(&id, &sealed)
		if err != nil {
			return orNotFound(err, "result")
		}
		if _, err := t.exec("UPDATE jobs SET result_sealed = NULL WHERE id = $1", id); err != nil {
			return err
		}
		return t.tell(by, event{by.WorkspaceID, "customer.passwords-fetched", object("job", publicID, ""), nil})
	})
	return sealed, err
}

// ImportCustomers enrols customers as far as their names are free, and writes in
// the same fact how far the job came: refused says of each row why it was left
// out, and step what the job knows then.
func (d *DB) ImportCustomers(ctx context.Context, by access.Actor, rows []access.Customer, step func(refused []error) Job) error {
	return d.change(ctx, func(t *Tx) error {
		refused := make([]error, len(rows))
		for i, m := range rows {
			if _, err := t.makeCustomer(by, m); access.KindOf(err) == access.Conflict {
				refused[i] = err
			} else if err != nil {
				return err
			}
		}
		return t.stepJob(step(refused))
	})
}
