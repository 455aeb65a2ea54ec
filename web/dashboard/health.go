package dashboard

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const healthPath = "/settings/health"

// Free space below which an admin is warned, in bytes and in percent of the disk.
const (
	freeLeast        = 1 << 30
	freeLeastPercent = 5
)

// Health shows how the instance does: ledger, audit log, calls, providers, disk,
// backups, version.
func (d *Dashboard) Health(c *fiber.Ctx) error {
	h, err := d.Control.Health(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	w := d.words(c)
	v := views.HealthView{Settings: d.settings(c, healthPath), Faults: h.Faults, Checks: w.healthChecks(h), Facts: w.healthFacts(h)}
	v.Facts = append(v.Facts, views.Definition{Term: w.T("health.running"), Text: w.Number(int64(d.Gateway.Running()))})
	if !h.Checked.IsZero() {
		v.Checked = w.T("health.checked", w.Ago(h.Checked, w.now))
	}
	return page.Show(c, views.HealthPage(v))
}

// CheckHealth verifies the whole ledger and the whole audit chain.
func (d *Dashboard) CheckHealth(c *fiber.Ctx) error {
	faults, err := d.Control.CheckLedger(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return page.RedirectSaying(c, d, healthPath, views.ToastView{Tone: views.Bad, Text: page.Lang(c).N("health.found", int64(len(faults)))})
	}
	return d.say(c, healthPath, "health.well")
}

// healthChecks are the lines that are well or not.
func (w words) healthChecks(h control.Health) []views.HealthCheckView {
	check := func(key string, good bool, bad views.Tone, text string) views.HealthCheckView {
		v := views.HealthCheckView{Title: w.T("health." + key), Text: text, Tone: views.Ok, Status: w.T("health.ok"), Icon: "circle-check"}
		if !good {
			v.Tone, v.Status, v.Icon = bad, w.T("health.look"), "triangle-alert"
		}
		return v
	}
	f := h.Figures
	all := []views.HealthCheckView{
		check("ledger", len(h.Faults) == 0, views.Bad, w.T("health.ledger_text")),
		check("audit", h.Chain.Broken == 0, views.Bad, w.T("health.audit_text", w.Number(h.Chain.Rows), w.Number(h.Chain.Last))),
		check("holds", f.Overdue == 0, views.Warn, w.T("health.holds_text", w.Number(f.OpenHolds), w.Number(f.Overdue))),
		check("providers", f.Paused == 0, views.Warn, w.T("health.providers_text", w.Number(f.Providers), w.Number(f.Paused))),
		check("disk", h.Disk == 0 || h.Free >= freeLeast && percent(h.Free, h.Disk) >= freeLeastPercent, views.Bad, w.T("health.disk_text", w.bytes(h.Free), w.bytes(h.Disk))),
	}
	if h.Chain.Broken != 0 {
		all[1].Text = w.T("health.audit_broken", w.Number(h.Chain.Broken))
	}
	backup := check("backup", false, views.Warn, w.T("health.no_backup"))
	if h.Backup != nil {
		checked := h.Backup.Result != nil && len(h.Backup.Result.Faults) == 0
		backup = check("backup", checked, views.Warn, w.T("health.backup_text", w.Ago(h.LastBackupAt, w.now), w.backupRow(*h.Backup).Status))
	}
	backup.Href = backupsPath
	return append(all, backup)
}

func (w words) healthFacts(h control.Health) []views.Definition {
	f := h.Figures
	return []views.Definition{
		{Term: w.T("health.version"), Text: or(h.Version, "–")},
		{Term: "SQLite", Text: h.SQLite, Under: w.T("health.schema", strconv.FormatInt(h.Schema, 10))},
		{Term: w.T("health.file"), Text: w.bytes(h.FileSize), Under: w.T("health.log", w.bytes(h.LogSize))},
		{Term: w.T("health.key"), Text: w.Number(int64(h.KeyNumber)), Under: w.keyOrigin(h)},
		{Term: w.T("health.workspaces"), Text: w.Number(f.Workspaces)},
		{Term: w.T("users.title"), Text: w.Number(f.Users)},
		{Term: w.T("tokens.title"), Text: w.Number(f.Tokens)},
		{Term: w.T("customers.title"), Text: w.Number(f.Customers)},
	}
}

// keyOrigin says where the master key lies: a page names no folder of the host.
func (w words) keyOrigin(h control.Health) string {
	switch {
	case h.KeyOrigin == "":
		return ""
	case h.KeyInData:
		return w.T("health.key_inside", h.KeyOrigin)
	case h.KeyInFile:
		return w.T("health.key_outside", h.KeyOrigin)
	}
	return w.T("health.key_given", h.KeyOrigin)
}
