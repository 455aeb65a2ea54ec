package newapi

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// The roles of a user.
const (
	roleUser  = 1
	roleAdmin = 10
)

// unlimitedDollars stands for a budget without a limit.
const unlimitedDollars = 100_000_000

// Status serves GET /api/status: what a client must know of this server before
// anybody signed in.
func (d *Door) Status(c *fiber.Ctx) error {
	setUp, err := d.Control.IsSetUp(c.UserContext())
	if err != nil {
		return err
	}
	open, err := d.Control.RegistrationOpen(c.UserContext())
	if err != nil {
		return err
	}
	return sendData(c, map[string]any{
		"version": d.Version, "start_time": d.Started.Unix(), "system_name": "Latchkey", "logo": "", "footer_html": "",
		"server_address": d.Origin(c), "quota_per_unit": d.Control.UnitsPerDollar, "display_in_currency": true, "setup": setUp,
		"register_enabled": open, "password_login_enabled": true, "password_register_enabled": open, "email_verification": false,
		"turnstile_check": false, "github_oauth": false, "linuxdo_oauth": false, "oidc_enabled": false, "telegram_oauth": false,
		"wechat_login": false, "enable_online_topup": false, "enable_drawing": false, "enable_task": false, "enable_data_export": false,
		"demo_site_enabled": false, "self_use_mode_enabled": false,
	})
}

// userBody is what a client sends of a user. Nil was not sent.
type userBody struct{ username, password, nickname, email *string }

func readUser(raw []byte) (b userBody, err error) {
	o, err := strict.Parse(raw)
	if err != nil {
		return b, badUserBody
	}
	r := reader{o: o}
	take(&r, "username", &b.username)
	take(&r, "password", &b.password)
	take(&r, "display_name", &b.nickname)
	take(&r, "email", &b.email)
	if r.err != nil || b.username == nil || *b.username == "" || b.password == nil || *b.password == "" {
		return b, badUserBody
	}
	return b, nil
}

func (d *Door) userBody(c *fiber.Ctx) (userBody, error) {
	if err := d.notElsewhere(c); err != nil {
		return userBody{}, err
	}
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return userBody{}, err
	}
	return readUser(raw)
}

// Login serves POST /api/user/login. Its cookie opens this door alone.
func (d *Door) Login(c *fiber.Ctx) error {
	b, err := d.userBody(c)
	if err != nil {
		return err
	}
	in, err := d.Control.SignIn(c.UserContext(), control.Attempt{
		Name: *b.username, Password: *b.password, Door: access.DoorNewAPI, Address: wire.Address(c).String(), Agent: c.Get(fiber.HeaderUserAgent),
	})
	if err != nil {
		return err
	}
	v, err := d.user(c, in.Actor, in.User)
	if err != nil {
		return err
	}
	d.setCookie(c, in.Value, in.ExpiresAt)
	return sendData(c, v)
}

// userView is a user as sign-in answers.
type userView struct {
	ID          int64  `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Role        int    `json:"role"`
	Status      int    `json:"status"`
	Group       string `json:"group"`
}

func (d *Door) user(c *fiber.Ctx, by access.Actor, u access.User) (userView, error) {
	v := userView{ID: u.ID, Username: u.Username, DisplayName: u.Shown(), Role: roleUser, Status: enabled, Group: "default"}
	if u.IsAdmin {
		v.Role = roleAdmin
	}
	if !by.May(access.SeeLists) {
		return v, nil
	}
	w, err := d.Control.Workspace(c.UserContext(), by)
	v.Group = w.GroupName
	return v, err
}

// Register serves POST /api/user/register, where the instance lets strangers in.
func (d *Door) Register(c *fiber.Ctx) error {
	b, err := d.userBody(c)
	if err != nil {
		return err
	}
	_, err = d.Control.Register(c.UserContext(), access.DoorNewAPI, wire.Address(c).String(), control.UserForm{
		Username: b.username, Password: b.password, Nickname: b.nickname, Email: b.email,
	})
	if err != nil {
		return err
	}
	return sendDone(c)
}

// Logout serves GET /api/user/logout. It ends what the cookie holds; whoever came
// with none is signed out already.
func (d *Door) Logout(c *fiber.Ctx) error {
	text := c.Cookies(cookieName)
	if text == "" {
		return sendDone(c)
	}
	by, err := d.admit(c, text, true)
	if err == badCredential {
		err = nil // it has ended already
	} else if err == nil {
		err = d.Control.SignOut(c.UserContext(), by)
	}
	if err != nil {
		return err
	}
	d.setCookie(c, "", time.Unix(1, 0))
	return sendDone(c)
}

// selfView is what a user sees of themselves.
type selfView struct {
	userView
	Email        string `json:"email"`
	Quota        int64  `json:"quota"`
	UsedQuota    int64  `json:"used_quota"`
	RequestCount int64  `json:"request_count"`
}

// Self serves GET /api/user/self. Quota is what is left of the workspace's.
func (d *Door) Self(c *fiber.Ctx, by access.Actor) error {
	u, err := d.Control.Profile(c.UserContext(), by)
	if err != nil {
		return err
	}
	v := selfView{Email: u.Email}
	if v.userView, err = d.user(c, by, u); err != nil {
		return err
	}
	if by.May(access.SeeLists) {
		if err := d.fillBudget(c, by, &v); err != nil {
			return err
		}
	}
	return sendData(c, v)
}

func (d *Door) fillBudget(c *fiber.Ctx, by access.Actor, v *selfView) error {
	w, err := d.Control.WorkspaceRow(c.UserContext(), by)
	if err != nil {
		return err
	}
	v.Quota = unlimitedDollars * d.Control.UnitsPerDollar
	if !w.Purse.Unlimited {
		v.Quota = max(0, w.Purse.Remain())
	}
	first := d.Now().In(w.Location()).AddDate(0, 0, 1-control.UsageSpanMax)
	u, err := d.Control.Usage(c.UserContext(), by, control.UsageForm{From: first.Format(time.DateOnly), Limit: 1})
	v.UsedQuota, v.RequestCount = u.Sum.Units, u.Sum.Requests
	return err
}

// AccessToken serves GET /api/user/token: a new user access token. The one before
// is dead from now on.
func (d *Door) AccessToken(c *fiber.Ctx, by access.Actor) error {
	text, err := d.Control.ReplaceAccessToken(c.UserContext(), by)
	if err != nil {
		return err
	}
	return sendData(c, text)
}

// Models serves GET /api/user/models: what callers may name and what lists of a
// token mean.
func (d *Door) Models(c *fiber.Ctx, by access.Actor) error {
	names := []string{}
	if !by.May(access.SeeLists) {
		return sendData(c, names)
	}
	providers, err := d.Control.Providers(c.UserContext(), by)
	if err != nil {
		return err
	}
	for _, p := range providers {
		for _, m := range p.Models {
			for _, name := range []string{m.Name, m.UpstreamName} {
				if p.Serving() && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return sendData(c, names)
}

type groupView struct {
	Ratio       float64 `json:"ratio"`
	Description string  `json:"desc"`
}

// Groups serves GET /api/user/self/groups.
func (d *Door) Groups(c *fiber.Ctx, by access.Actor) error {
	groups, err := d.Control.OpenGroups(c.UserContext(), by)
	if err != nil {
		return err
	}
	views := make(map[string]groupView, len(groups))
	for _, g := range groups {
		views[g.Name] = groupView{Ratio: float64(g.RatioPPM) / access.RatioOne, Description: g.Description}
	}
	return sendData(c, views)
}
