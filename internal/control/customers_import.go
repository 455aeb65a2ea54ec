package control

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Limits of a file of customers.
const (
	ImportRowsMax  = 10_000
	ImportBytesMax = 2 << 20
)

// jobImport is the kind of the job that enrols a file.
const jobImport = "customers.import"

// importBatch is how many customers are enrolled as one fact: their passwords are
// hashed first, which takes the most of the time.
const importBatch = 40

// Import is a file of customers, read and checked.
type Import struct {
	Lines []ImportLine
	Bad   int // lines with something wrong
	rows  []importRow
}

// importRow is a line that can be enrolled, as its job keeps it, sealed: with the
// password, so that a restart goes on with the same.
type importRow struct {
	Line     int    `json:"line"`
	PublicID string `json:"id"`
	Username string `json:"username"`
	Key      string `json:"key"`
	Email    string `json:"email,omitempty"`
	Note     string `json:"note,omitempty"`
	Password string `json:"password"`
	Made     bool   `json:"made,omitempty"` // here, to be changed at the first sign-in
}

// CheckImport reads a CSV file of customers: username, email, note and password,
// in that order or as the first line names them. It makes nobody and says of every
// line what is wrong with it. A customer without a password gets one that must be
// changed.
func (c *Control) CheckImport(ctx context.Context, by access.Actor, file []byte) (Import, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Import{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Import{}, err
	}
	lines, err := readCustomers(file)
	if err != nil {
		return Import{}, err
	}
	i := Import{Lines: lines}
	return i, c.checkImport(ctx, w, &i)
}

// checkImport checks every line by itself, then the names against each other and
// against those that are taken.
func (c *Control) checkImport(ctx context.Context, w access.Workspace, i *Import) error {
	keys, seen := make([]string, len(i.Lines)), map[string]bool{}
	rows := make([]importRow, len(i.Lines))
	for n := range i.Lines {
		l := &i.Lines[n]
		change, wrong := checkCustomer(l.Form, true)
		plain, made, bad := c.newPassword(l.Form.Password, false, *change.Username, deref(l.Form.Email), w.Name)
		l.Wrong = errors.Join(wrong, bad)
		keys[n] = *change.UsernameKey
		if l.Wrong == nil && seen[keys[n]] {
			l.Wrong = access.Fail(access.Conflict, "customer_twice", "This name stands in the file twice.").At("username")
		}
		seen[keys[n]] = true
		rows[n] = importRow{
			Line: l.Line, PublicID: secret.NewPublicID(c.Random), Username: *change.Username, Key: keys[n], Email: deref(change.Email),
			Note: deref(change.Note), Password: plain, Made: made,
		}
	}
	taken, err := c.DB.TakenUsernames(ctx, w.ID, keys)
	for n := range i.Lines {
		l := &i.Lines[n]
		if l.Wrong == nil && taken[keys[n]] {
			l.Wrong = access.Fail(access.Conflict, "customer_taken", "This name is taken already. Choose another.").At("username")
		}
		if l.Wrong != nil {
			i.Bad++
		} else {
			i.rows = append(i.rows, rows[n])
		}
	}
	return err
}

// ImportCustomers checks a file and begins the job that enrols its customers. With
// a line that is wrong it begins none, unless skip says to leave such lines out;
// begun is false then.
func (c *Control) ImportCustomers(ctx context.Context, by access.Actor, file []byte, skip bool) (i Import, j db.Job, begun bool, err error) {
	i, err = c.CheckImport(ctx, by, file)
	if err != nil || i.Bad > 0 && !skip || len(i.rows) == 0 {
		return i, j, false, err
	}
	d := jobDetail{Address: by.Address}
	for _, l := range i.Lines {
		if l.Wrong != nil {
			d.leave(leftOut(l.Line, "", deref(l.Form.Username), l.Wrong))
		}
	}
	text, err := json.Marshal(i.rows)
	if err != nil {
		return i, j, false, err
	}
	j = db.Job{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, CreatedBy: by.UserNumber(), Kind: jobImport,
		Total: int64(len(i.rows)), Detail: d.text(),
	}
	if j.Sealed, err = c.Keys.Seal(jobPlace(j.PublicID), text); err != nil {
		return i, j, false, err
	}
	j, err = c.DB.MakeJob(ctx, j)
	return i, j, err == nil, err
}

// ImportedRow is a line of a file and what became of it.
type ImportedRow struct {
	Line               int
	Username, PublicID string // PublicID once enrolled
	Password           string // that was made; kept nowhere in clear
	Wrong              error
}

// ImportNow is ImportCustomers for a caller who waits for the end: all lines are
// enrolled or, with one that is wrong or dry, none. A name that is taken while it
// works is left out and said.
func (c *Control) ImportNow(ctx context.Context, by access.Actor, file []byte, dry bool) (all []ImportedRow, made int, err error) {
	i, err := c.CheckImport(ctx, by, file)
	if err != nil {
		return nil, 0, err
	}
	at := map[int]int{}
	for n, l := range i.Lines {
		all, at[l.Line] = append(all, ImportedRow{Line: l.Line, Username: strings.TrimSpace(deref(l.Form.Username)), Wrong: l.Wrong}), n
	}
	var j db.Job // kept nowhere: whoever waits sees the end, or does not
	for d := (&jobDetail{}); !dry && i.Bad == 0 && j.Done < int64(len(i.rows)); {
		from := j.Done
		d.Why, d.Skipped = nil, nil
		if err := c.importSome(ctx, by, &j, d, i.rows); err != nil {
			return all, made, err
		}
		for _, r := range i.rows[from:j.Done] {
			if one := &all[at[r.Line]]; !slices.Contains(d.Skipped, r.Line) {
				if made++; r.Made {
					one.Password = r.Password
				}
				one.PublicID = r.PublicID
			}
		}
		for _, l := range d.Why {
			all[at[l.Line]].Wrong = l.Error()
		}
	}
	return all, made, nil
}

// workImport enrols what a job still has to. Its result are the names with the
// passwords that were made, as JSON; nil where none was.
func (c *Control) workImport(ctx context.Context, by access.Actor, j *db.Job, d *jobDetail) ([]byte, error) {
	text, err := c.Keys.Open(jobPlace(j.PublicID), j.Sealed)
	if err != nil {
		return nil, err
	}
	var rows []importRow
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, err
	}
	for j.Done < int64(len(rows)) {
		if err := c.importSome(ctx, by, j, d, rows); err != nil {
			return nil, err
		}
	}
	return c.importResult(j, d, rows)
}

// importSome enrols the next batch, and keeps in the same fact that it did.
func (c *Control) importSome(ctx context.Context, by access.Actor, j *db.Job, d *jobDetail, rows []importRow) error {
	batch := rows[j.Done:min(j.Done+importBatch, int64(len(rows)))]
	customers := make([]access.Customer, 0, len(batch))
	for _, r := range batch {
		hash, err := c.hashPatiently(ctx, r.Password)
		if err != nil {
			return err
		}
		customers = append(customers, access.Customer{
			PublicID: r.PublicID, WorkspaceID: by.WorkspaceID, Username: r.Username, UsernameKey: r.Key, Email: r.Email, Note: r.Note,
			PasswordHash: hash, MustChange: r.Made, CreatedBy: by.UserNumber(),
		})
	}
	return c.DB.ImportCustomers(ctx, by, customers, func(refused []error) db.Job {
		for n, err := range refused {
			if err != nil {
				d.leave(leftOut(batch[n].Line, "", batch[n].Username, err))
				d.Refused, d.Skipped = d.Refused+1, append(d.Skipped, batch[n].Line)
			}
		}
		j.Done += int64(len(batch))
		j.Detail = d.text()
		return *j
	})
}

// hashPatiently hashes one password after the other, so that people who sign in
// meanwhile find a free place, and waits where they have taken all.
func (c *Control) hashPatiently(ctx context.Context, plain string) (string, error) {
	for {
		hash, err := c.Passwords.Hash(ctx, plain)
		e, ok := errors.AsType[*access.Error](err)
		if !ok || e.Kind != access.Busy {
			return hash, err
		}
		if err := c.pause(ctx, e.Wait); err != nil {
			return "", err
		}
	}
}

func (c *Control) importResult(j *db.Job, d *jobDetail, rows []importRow) ([]byte, error) {
	made := false
	var names [][2]string
	for _, r := range rows {
		if slices.Contains(d.Skipped, r.Line) {
			continue
		}
		one := [2]string{r.Username}
		if r.Made {
			one[1], made = r.Password, true
		}
		names = append(names, one)
	}
	d.Skipped = nil
	if !made {
		return nil, nil
	}
	text, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	return c.Keys.Seal(jobPlace(j.PublicID), text)
}

// ImportedNames reads the result of an import: each customer's name, and the
// password that was made, "" where the file chose it.
func ImportedNames(result []byte) (names [][2]string, err error) {
	return names, json.Unmarshal(result, &names)
}
