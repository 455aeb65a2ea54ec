package dashboard

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// settingsPage is one page of the settings. may is what a role must allow to see
// it, 0 for everybody.
type settingsPage struct {
	key, path string
	may       access.Act
}

// settingsPages are the pages of the settings in the order of their tabs.
var settingsPages = []settingsPage{
	{"settings.profile", "/settings/profile", 0},
	{"account.password", "/settings/password", 0},
	{"twofactor.title", twoFactorPath, 0},
	{"nav.sessions", "/settings/sessions", 0},
	{"settings.workspace", "/settings/workspace", access.ChangeWorkspace},
	{"settings.members", "/settings/members", access.ChangeWorkspace},
	{"api.title", apiPath, access.SeeLists},
}

// instancePages are those of whoever runs the instance.
var instancePages = []settingsPage{
	{"users.title", usersPath, access.RunInstance},
	{"groups.title", groupsPath, access.RunInstance},
	{"prices.title", pricesPath, access.RunInstance},
	{"instance.title", instancePath, access.RunInstance},
	{"backups.title", backupsPath, access.RunInstance},
	{"health.title", healthPath, access.RunInstance},
}

// settings is the frame of one page of the settings, or of the instance.
func (d *Dashboard) settings(c *fiber.Ctx, path string) views.SettingsView {
	ofInstance := slices.ContainsFunc(instancePages, func(one settingsPage) bool { return one.path == path })
	if ofInstance {
		return d.settingsOf(c, path, "instance", instancePages)
	}
	return d.settingsOf(c, path, "settings", settingsPages)
}

func (d *Dashboard) settingsOf(c *fiber.Ctx, path, active string, pages []settingsPage) views.SettingsView {
	l := page.Lang(c)
	v := views.SettingsView{Title: l.T("nav." + active)}
	title := ""
	for _, one := range pages {
		if one.may != 0 && !d.actor(c).May(one.may) {
			continue
		}
		tab := views.TabView{Text: l.T(one.key), Href: one.path, Active: one.path == path}
		if tab.Active {
			title = tab.Text
		}
		v.Tabs = append(v.Tabs, tab)
	}
	v.Shell = d.shell(c, active, title)
	v.Shell.Crumbs = []views.LinkView{{Text: v.Title, Href: pages[0].path}, {Text: title}}
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
