package dashboard

import (
	"net/url"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const backupsPath = "/settings/backups"

func backupHref(name string) string { return backupsPath + "/" + url.PathEscape(name) }

// Backups lists the copies in the data folder, with how their checks ended. While
// one is at work the list asks for itself again.
func (d *Dashboard) Backups(c *fiber.Ctx) error {
	rows, work, err := d.Control.Backups(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	list := d.backupList(c, rows, work)
	if page.IsPart(c) {
		return page.Part(c, views.BackupsBody(list))
	}
	return page.Show(c, views.BackupsPage(views.BackupsView{Settings: d.settings(c, backupsPath), List: list}))
}

func (d *Dashboard) backupList(c *fiber.Ctx, rows []control.BackupRow, work control.BackupWork) views.BackupListView {
	w := d.words(c)
	v := views.BackupListView{Running: work.Running(), Key: w.Number(int64(d.Control.Keys.Current()))}
	switch {
	case work.Running():
		v.Work = w.T("backups.doing."+work.Verb, work.Name)
	case work.Failed != "":
		v.Failed = w.T("backups.failed", work.Failed)
	}
	for _, b := range rows {
		v.Rows = append(v.Rows, w.backupRow(b))
	}
	return v
}

func (w words) backupRow(b control.BackupRow) views.BackupRowView {
	m := b.Manifest
	v := views.BackupRowView{
		Name: b.Name, Href: backupHref(b.Name), Size: w.bytes(m.Size), Tone: views.Off, Status: w.T("backups.unchecked"),
		Under: w.T("backups.holds", w.Number(m.Figures["users"]), w.Number(m.Figures["api_tokens"]), w.Number(m.KeyNumber)),
	}
	if at, err := time.Parse(time.RFC3339, m.CreatedAt); err == nil {
		v.Made, v.MadeAt = w.Ago(at, w.now), w.Moment(at, w.zone)
	}
	if r := b.Result; r != nil {
		v.Checked, v.CheckedAt = w.Ago(r.At, w.now), w.Moment(r.At, w.zone)
		v.Tone, v.Status, v.Result = views.Ok, w.T("backups.verified"), w.T("backups.verified_text")
		if r.Drill {
			v.Status, v.Result = w.T("backups.restored"), w.T("backups.restored_text", w.Duration(r.Took), w.Number(r.Users), w.Number(r.Tokens), w.Number(r.Opened))
		}
		if len(r.Faults) > 0 {
			v.Tone, v.Status, v.Result, v.Faults = views.Bad, w.N("backups.faults", int64(len(r.Faults))), "", r.Faults
		}
	}
	return v
}

// bytes spells a size as people say it.
func (w words) bytes(n int64) string {
	for _, one := range []struct {
		least int64
		unit  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= one.least {
			tenths := n * 10 / one.least
			if tenths >= 100 {
				return w.Number(tenths/10) + " " + one.unit
			}
			return w.Number(tenths/10) + "." + w.Number(tenths%10) + " " + one.unit
		}
	}
	return w.Number(n) + " B"
}

// MakeBackup begins a backup.
func (d *Dashboard) MakeBackup(c *fiber.Ctx) error {
	_, err := d.Control.MakeBackup(c.UserContext(), d.actor(c))
	return d.backupBegun(c, err)
}

// VerifyBackup begins to verify a backup.
func (d *Dashboard) VerifyBackup(c *fiber.Ctx) error {
	return d.backupBegun(c, d.Control.VerifyBackup(c.UserContext(), d.actor(c), backupParam(c)))
}

// DrillBackup begins to restore a backup into a folder of its own.
func (d *Dashboard) DrillBackup(c *fiber.Ctx) error {
	return d.backupBegun(c, d.Control.DrillBackup(c.UserContext(), d.actor(c), backupParam(c)))
}

func backupParam(c *fiber.Ctx) string {
	name, err := url.PathUnescape(c.Params("name"))
	if err != nil {
		return ""
	}
	return name
}

// backupBegun leads to the list, which tells how far the work is.
func (d *Dashboard) backupBegun(c *fiber.Ctx, err error) error {
	if refused(err) {
		return page.RedirectSaying(c, d, backupsPath, views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, backupsPath)
}

// DownloadBackup sends a backup. It holds no key; it takes a fresh password.
func (d *Dashboard) DownloadBackup(c *fiber.Ctx) error {
	name := backupParam(c)
	path, err := d.Control.OpenBackup(c.UserContext(), d.actor(c), name)
	if _, needed := needsPassword(c, err); needed {
		return page.Redirect(c, "/confirm?next="+url.QueryEscape(backupsPath))
	}
	if err != nil {
		return err
	}
	if field(c, "manifest") != "" {
		name, path = name+".manifest.json", path+".manifest.json"
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	c.Context().SetBodyStream(file, int(info.Size())) // which closes it
	return nil
}

// AskDeleteBackup asks before a backup is removed.
func (d *Dashboard) AskDeleteBackup(c *fiber.Ctx) error {
	l, name := page.Lang(c), backupParam(c)
	v := views.ConfirmView{
		Title: l.T("backups.delete_title", name), Text: l.T("backups.delete_text"), Action: backupHref(name) + "/delete",
		Button: l.T("backups.delete"), Keep: backupsPath,
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "instance", v.Title), v), views.ConfirmPanel(v))
}

// DeleteBackup removes a backup.
func (d *Dashboard) DeleteBackup(c *fiber.Ctx) error {
	name := backupParam(c)
	if err := d.Control.DeleteBackup(c.UserContext(), d.actor(c), name); err != nil {
		return d.backupBegun(c, err)
	}
	return d.say(c, backupsPath, "backups.deleted", name)
}
