package dashboard

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

const instancePath = "/settings/instance"

// Instance shows what an admin decides for everybody: who may sign up, the
// language, the request log, private hosts.
func (d *Dashboard) Instance(c *fiber.Ctx) error {
	return d.showInstance(c, fiber.StatusOK, nil)
}

// showInstance draws the page; change puts what was typed back into it.
func (d *Dashboard) showInstance(c *fiber.Ctx, status int, change func(*views.InstanceView)) error {
	s, err := d.Control.InstanceSettings(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.InstanceView{
		Settings: d.settings(c, instancePath), Registration: registrationOptions(l, s.Registration), RegistrationFixed: s.RegistrationFixed,
		LanguageFixed: s.LanguageFixed, Hosts: strings.Join(s.PrivateHosts, "\n"), OperatorHosts: s.OperatorHosts,
		Version: version(s.Version), HostsVersion: version(s.HostsVersion),
	}
	for _, one := range lang.All() {
		v.Languages = append(v.Languages, views.OptionView{Value: string(one), Label: one.Name(), Chosen: string(one) == s.Language})
	}
	if s.RequestRetentionDays != nil {
		v.Retention = strconv.FormatInt(*s.RequestRetentionDays, 10)
	}
	if change != nil {
		change(&v)
	}
	return page.Status(c, status, views.InstancePage(v))
}

func registrationOptions(l lang.Lang, chosen string) []views.OptionView {
	var all []views.OptionView
	for _, one := range []string{"closed", "open"} {
		all = append(all, views.OptionView{
			Value: one, Label: l.T("instance.registration." + one), Text: l.T("instance.registration." + one + "_text"), Chosen: one == chosen,
		})
	}
	return all
}

// EditInstance saves who may sign up, the language and how long the log is kept.
func (d *Dashboard) EditInstance(c *fiber.Ctx) error {
	f := control.SettingsForm{Registration: sent(c, "registration"), Language: sent(c, "language"), Version: versionOf(c)}
	days, err := number(field(c, "request_retention_days"), "request_retention_days")
	if err == nil {
		kept := &days
		if strings.TrimSpace(field(c, "request_retention_days")) == "" {
			kept = nil
		}
		f.RequestRetentionDays = &kept
		_, err = d.Control.EditInstanceSettings(c.UserContext(), d.actor(c), f)
	}
	if refused(err) {
		return d.showInstance(c, page.StatusOf(err), func(v *views.InstanceView) {
			l := page.Lang(c)
			v.Failed, v.Errors, v.Retention = "settings", formErrors(c, err), field(c, "request_retention_days")
			v.Version = versionAgain(c, v.Errors, v.Version)
			v.Registration = registrationOptions(l, field(c, "registration"))
			for i := range v.Languages {
				v.Languages[i].Chosen = v.Languages[i].Value == field(c, "language")
			}
		})
	}
	if err != nil {
		return err
	}
	return d.say(c, instancePath, "settings.saved")
}

// EditHosts saves the list of private hosts that providers may reach.
func (d *Dashboard) EditHosts(c *fiber.Ctx) error {
	hosts := strings.FieldsFunc(field(c, "private_hosts"), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' || r == '\t' })
	_, err := d.Control.EditInstanceSettings(c.UserContext(), d.actor(c), control.SettingsForm{PrivateHosts: &hosts, Version: versionOf(c)})
	if refused(err) || access.KindOf(err) == access.Forbidden {
		return d.showInstance(c, page.StatusOf(err), func(v *views.InstanceView) {
			v.Failed, v.Errors, v.Hosts = "hosts", formErrors(c, err), field(c, "private_hosts")
			v.HostsVersion = versionAgain(c, v.Errors, v.HostsVersion)
		})
	}
	if err != nil {
		return err
	}
	return d.say(c, instancePath, "settings.saved")
}
