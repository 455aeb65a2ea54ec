package dashboard

import (
	"bytes"
	"encoding/csv"
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
	return v
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
	var out bytes.Buffer
	if page.Lang(c) == lang.Chinese {
		out.WriteString("\ufeff")
	}
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	w.Write([]string{"username", "password"}) // to a buffer: it cannot fail
	for _, n := range names {
		w.Write([]string{plainCell(n[0]), n[1]})
	}
	w.Flush()
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="passwords.csv"`)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(out.Bytes())
}
