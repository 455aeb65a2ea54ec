package native

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// sumView is what one day, token, share, customer, bot or model took.
type sumView struct {
	Day   string  `json:"day,omitempty"`
	Model *string `json:"model,omitempty"`
	*subjectView
	figuresView
}

// subjectView says whose a sum is. Calls of no token, share, customer or bot are
// summed under an id of null.
type subjectView struct {
	ID   *string `json:"id"`
	Name string  `json:"name"`
}

type figuresView struct {
	Requests   int64   `json:"requests"`
	Refused    int64   `json:"refused"`
	Prompt     int64   `json:"prompt_tokens"`
	Completion int64   `json:"completion_tokens"`
	Units      int64   `json:"units"`
	Dollars    decimal `json:"dollars"`
}

type usageView struct {
	By   string `json:"by"`
	From string `json:"from"`
	To   string `json:"to"`
	list
	Sum figuresView `json:"sum"`
}

func (d *Door) figures(u db.UsageSum) figuresView {
	return figuresView{u.Requests, u.Refused, u.Prompt, u.Completion, u.Units, d.dollars(u.Units)}
}

func (d *Door) sum(by db.UsageBy, u db.UsageSum) sumView {
	v := sumView{figuresView: d.figures(u)}
	switch by {
	case db.ByDay:
		v.Day = u.Key
	case db.ByModel:
		v.Model = &u.Key
	default:
		v.subjectView = &subjectView{orNull(u.PublicID), u.Name}
	}
	return v
}

// Usage serves GET usage?by=&from=&to=: sums by day in the order of days, others
// the greatest first.
func (d *Door) Usage(c *fiber.Ctx, by access.Actor) error {
	l, f, err := d.usageListing(c, by)
	if err != nil {
		return err
	}
	d.flush()
	found, err := d.Control.Usage(c.UserContext(), by, f)
	if err != nil {
		return err
	}
	v := usageView{
		By: string(found.By), From: found.From, To: found.To, Sum: d.figures(found.Sum),
		list: list{Items: make([]any, 0, len(found.Rows)), Total: total(found.Total)},
	}
	for _, u := range found.Rows {
		v.Items = append(v.Items, d.sum(found.By, u))
	}
	if next := l.Before + int64(len(found.Rows)); next < found.Total {
		v.Next = d.signCursor(l, next)
	}
	return send(c, v)
}

// usageListing reads what usage is asked for. Its cursors count rows, since sums
// have no number, and its sorting is its own.
func (d *Door) usageListing(c *fiber.Ctx, by access.Actor) (listing, control.UsageForm, error) {
	f := control.UsageForm{By: db.UsageBy(c.Query("by", string(db.ByDay))), From: c.Query("from"), To: c.Query("to")}
	if !f.By.Valid() {
		return listing{}, f, access.Fail(access.Invalid, "usage_by", "Usage is summed by day, token, share, customer, bot or model.").At("by")
	}
	usual, backwards := "-units", ""
	if f.By == db.ByDay {
		usual, backwards = "day", "-day"
	}
	switch sort := c.Query("sort"); {
	case sort == "" || sort == usual:
	case sort == backwards:
		f.Newest = true
	default:
		return listing{}, f, access.Fail(access.Invalid, "usage_sort", "Usage is sorted by day or -day, and by -units where it is not summed by day.").At("sort")
	}
	l := listing{Page: db.Page{Limit: pageSize}}
	if err := readLimit(c, &l.Limit); err != nil {
		return l, f, err
	}
	l.scope = c.Path() + "\x00" + strconv.FormatInt(by.WorkspaceID, 10) + "\x00" + string(f.By) + "\x00" + f.From + "\x00" + f.To + "\x00" + strconv.FormatBool(f.Newest)
	err := d.openCursor(c, &l)
	f.Offset, f.Limit = int(l.Before), l.Limit
	return l, f, err
}
