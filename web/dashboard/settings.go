package dashboard

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// settingsPages are the pages of the settings in the order of their tabs. may is
// what a role must allow to see one, 0 for everybody.
var settingsPages = []struct {
	key, path string
	may       access.Act
}{
	{"settings.profile", "/settings/profile", 0},
	{"account.password", "/settings/password", 0},
	{"nav.sessions", "/settings/sessions", 0},
	{"settings.workspace", "/settings/workspace", access.ChangeWorkspace},
	{"settings.members", "/settings/members", access.ChangeWorkspace},
	{"api.title", apiPath, access.SeeLists},
	{"prices.title", pricesPath, access.RunInstance},
	{"groups.title", groupsPath, access.RunInstance},
}

// settings is the frame of one page of the settings.
func (d *Dashboard) settings(c *fiber.Ctx, path string) views.SettingsView {
	l := page.Lang(c)
	v := views.SettingsView{}
	title := ""
	for _, one := range settingsPages {
		if one.may != 0 && !d.actor(c).May(one.may) {
			continue
		}
		tab := views.TabView{Text: l.T(one.key), Href: one.path, Active: one.path == path}
		if tab.Active {
			title = tab.Text
		}
		v.Tabs = append(v.Tabs, tab)
	}
	v.Shell = d.shell(c, "settings", title)
	v.Shell.Crumbs = []views.LinkView{{Text: l.T("nav.settings"), Href: "/settings"}, {Text: title}}
	return v
}

// Settings leads to the first page of the settings.
func (d *Dashboard) Settings(c *fiber.Ctx) error { return page.Redirect(c, settingsPages[0].path) }

// zones are proposed where a time zone is asked for; any other is taken too.
var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Johannesburg", "America/Chicago", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo",
	"Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei",
	"Asia/Tokyo", "Australia/Sydney", "Europe/Berlin", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Paris",
}

func languageOptions(l lang.Lang, chosen string) []views.OptionView {
	all := []views.OptionView{{Value: "", Label: l.T("settings.language_browser"), Chosen: chosen == ""}}
	for _, one := range lang.All() {
		all = append(all, views.OptionView{Value: string(one), Label: one.Name(), Chosen: chosen == string(one)})
	}
	return all
}
