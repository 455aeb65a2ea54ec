package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

func jobHref(id string) string { return "/jobs/" + id }

// Job is the page of work that goes on by itself: how far it is, then what came of
// it. It asks again by itself while there is more to do.
func (d *Dashboard) Job(c *fiber.Ctx) error {
	p, err := d.Control.Job(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	v := d.jobView(c, p)
	if page.IsPart(c) {
		return page.Part(c, views.JobBody(v))
	}
	list, _, _ := strings.Cut(p.Kind, ".")
	v.Shell = d.shell(c, list, v.Title)
	return page.Show(c, views.JobPage(v))
}

func (d *Dashboard) jobView(c *fiber.Ctx, p control.Progress) views.JobView {
	l := page.Lang(c)
	list, verb, _ := strings.Cut(p.Kind, ".")
	v := views.JobView{Title: bulkTitle(l, list, verb), Back: "/" + list, Percent: -1, Left: leftOutRows(l, "/"+list+"/", p.Why)}
	if more := p.LeftOut - int64(len(p.Why)); more > 0 {
		v.More = l.N("bulk.more", more)
	}
	switch p.State {
	case db.JobWaiting, db.JobRunning:
		v.Poll, v.Tone = jobHref(p.PublicID), views.Info
		v.Summary = l.T("bulk.so_far", l.N("bulk.n."+list, p.Done))
		if p.Total > 0 {
			v.Summary, v.Percent = l.T("bulk.so_far_of", l.Number(p.Done), l.N("bulk.n."+list, p.Total)), percent(p.Done, p.Total)
		}
	case db.JobDone:
		v.Tone, v.Summary = views.Ok, l.T("bulk.done."+verb, l.N("bulk.n."+list, p.Done-unmade(p)))
	default:
		v.Tone, v.Summary = views.Bad, l.T("bulk.ended", l.N("bulk.n."+list, p.Done))
		if l.Has("error." + p.Failure) {
			v.Summary += " " + l.T("error."+p.Failure)
		}
	}
	if p.LeftOut > 0 {
		v.Summary += " " + l.N("bulk.left", p.LeftOut)
		if v.Tone == views.Ok {
			v.Tone = views.Warn
		}
	}
	if p.Result {
		v.Fetch = jobHref(p.PublicID) + "/result"
	}
	if p.State == db.JobDone && control.ExportedList(p.Job) != "" {
		v.File = jobHref(p.PublicID) + "/file"
	}
	if p.State == db.JobWaiting {
		v.Summary += " " + l.T("bulk.waits")
	}
	return v
}

// jobNotes says of the reader's work on a list what is under way, what ended early
// and what waits to be fetched.
func (d *Dashboard) jobNotes(c *fiber.Ctx, list string) ([]views.JobNoteView, error) {
	jobs, err := d.Control.OpenJobs(c.UserContext(), d.actor(c))
	l := page.Lang(c)
	var all []views.JobNoteView
	for _, j := range jobs {
		of, verb, _ := strings.Cut(j.Kind, ".")
		if of != list {
			continue
		}
		v := views.JobNoteView{Tone: views.Info, Href: jobHref(j.PublicID)}
		key := "bulk.note.under_way"
		switch {
		case j.State == db.JobFailed:
			key, v.Tone = "bulk.note.failed", views.Bad
		case j.State == db.JobDone && j.Sealed != nil:
			key, v.Tone = "bulk.note.passwords", views.Warn
		case j.State == db.JobDone:
			key, v.Tone = "bulk.note.file", views.Ok
		}
		v.Text = l.T(key, l.T("bulk.do."+verb, l.T("bulk.noun."+list)))
		all = append(all, v)
	}
	return all, err
}

// unmade counts the rows of a job that were tried and left as they were: lines of
// a file that were left out beforehand were never tried.
func unmade(p control.Progress) int64 {
	if p.Kind != "customers.import" {
		return p.LeftOut
	}
	return p.Refused
}

// leftOutRows says of each row that was left as it was why.
func leftOutRows(l lang.Lang, path string, left []control.LeftOut) []views.LeftOutView {
	var all []views.LeftOutView
	for _, one := range left {
		why := one.Error()
		v := views.LeftOutView{Name: or(one.Name, l.T("bulk.gone")), Why: l.Error(why.Code, why.Text, why.Args...)}
		if one.ID != "" {
			v.Href = path + one.ID
		}
		if one.Line > 0 {
			v.Line = l.Number(int64(one.Line))
		}
		all = append(all, v)
	}
	return all
}

// JobResult answers once with the passwords that an import made, as CSV.
func (d *Dashboard) JobResult(c *fiber.Ctx) error {
	result, err := d.Control.JobResult(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	names, err := control.ImportedNames(result)
	if err != nil {
		return err
	}
	rows := [][]string{{"username", "password"}}
	for _, n := range names {
		rows = append(rows, n[:])
	}
	return sendCSV(c, "passwords", control.CSV(rows, marked(c)))
}
