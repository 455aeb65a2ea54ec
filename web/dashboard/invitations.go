package dashboard

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const membersPath = "/settings/members"

// inviteDays are how long an invitation may be open.
var inviteDays = []int{1, 3, 7, 30}

const inviteDaysUsual = 3

// NewInvitation asks for which role, and for how long, a link invites.
func (d *Dashboard) NewInvitation(c *fiber.Ctx) error {
	return d.showInvite(c, fiber.StatusOK, views.InviteFormView{Roles: roleOptions(page.Lang(c), access.Editor), Lives: d.inviteLives(c, inviteDaysUsual)})
}

func (d *Dashboard) inviteLives(c *fiber.Ctx, chosen int) []views.OptionView {
	w := d.words(c)
	var all []views.OptionView
	for _, days := range inviteDays {
		all = append(all, views.OptionView{
			Value: strconv.Itoa(days), Label: w.N("invite.days", int64(days), w.Day(w.now.AddDate(0, 0, days), w.zone)), Chosen: days == chosen,
		})
	}
	return all
}

func (d *Dashboard) showInvite(c *fiber.Ctx, status int, v views.InviteFormView) error {
	v.Once = d.formKey(c)
	form := views.InviteForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "settings", page.Lang(c).T("invite.new")), form), form)
}

// CreateInvitation makes the link and shows it, this once.
func (d *Dashboard) CreateInvitation(c *fiber.Ctx) error {
	days, _ := strconv.Atoi(field(c, "life"))
	role := access.Role(field(c, "role"))
	made, err := d.handOut(c, func() (handedOut, error) {
		invited, err := d.Control.CreateInvitation(c.UserContext(), d.actor(c), control.InvitationForm{
			Role: role, Email: field(c, "email"), Life: time.Duration(days) * 24 * time.Hour,
		})
		return handedOut{ID: invited.Invitation.PublicID, Secret: invited.Text, Until: time.Duration(days) * 24 * time.Hour}, err
	})
	if _, needed := needsPassword(c, err); needed {
		return page.Redirect(c, "/confirm?next="+membersPath)
	}
	if refused(err) {
		return d.showInvite(c, page.StatusOf(err), views.InviteFormView{
			Failed: true, Errors: formErrors(c, err), Email: field(c, "email"), Roles: roleOptions(page.Lang(c), role), Lives: d.inviteLives(c, days),
		})
	}
	if err != nil {
		return err
	}
	w := d.words(c)
	panel := views.LinkMade(views.LinkMadeView{
		Title: w.T("invite.made"), Text: w.T("invite.made_text", w.Moment(w.now.Add(made.Until), w.zone)), Back: membersPath,
		Secret: views.SecretView{ID: "invitation", Label: w.T("invite.link"), Value: d.Origin(c) + "/invite/" + made.Secret, Help: w.T("invite.link_help")},
	})
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "settings", w.T("invite.made")), panel), panel)
}

// DeleteInvitation takes an invitation back.
func (d *Dashboard) DeleteInvitation(c *fiber.Ctx) error {
	if err := d.Control.DeleteInvitation(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	return d.say(c, membersPath, "invite.taken_back")
}

func (d *Dashboard) invitationRow(c *fiber.Ctx, i db.Invitation) views.InvitationRowView {
	w := d.words(c)
	return views.InvitationRowView{
		ID: i.PublicID, For: or(i.Email, w.T("invite.anybody")), Role: w.T("role." + string(i.Role)),
		Under: w.T("invite.by", i.Inviter, w.Ago(i.CreatedAt, w.now)), Until: w.Until(i.ExpiresAt, w.now), UntilAt: w.Moment(i.ExpiresAt, w.zone),
	}
}

// Invitation is the page behind the link: who invites, to what. Looking at it uses
// nothing up.
func (d *Dashboard) Invitation(c *fiber.Ctx) error {
	i, err := d.invited(c)
	if err != nil {
		return err
	}
	return d.showInvitation(c, fiber.StatusOK, i, views.InvitationView{})
}

// invited finds the invitation of the address. The address is a secret: no page
// elsewhere may learn it.
func (d *Dashboard) invited(c *fiber.Ctx) (db.Invitation, error) {
	oneTime(c)
	return d.Control.Invitation(c.UserContext(), c.Params("code"))
}

// oneTime keeps an address that opens something out of other sites' and our own
// logs of where readers come from.
func oneTime(c *fiber.Ctx) { c.Set(fiber.HeaderReferrerPolicy, "strict-origin") }

func (d *Dashboard) showInvitation(c *fiber.Ctx, status int, i db.Invitation, v views.InvitationView) error {
	l := page.Lang(c)
	v.Action, v.Workspace, v.Inviter = "/invite/"+c.Params("code"), i.Workspace, i.Inviter
	v.Role, v.May = l.T("role."+string(i.Role)), l.T("role."+string(i.Role)+"_may")
	v.Until = l.T("invite.until", l.Moment(i.ExpiresAt, d.zone(c)))
	if visit, err := d.Sessions.Visit(c); err == nil {
		v.SignedIn = visit.User.Shown()
	}
	if v.Email == "" && !v.Failed {
		v.Email = i.Email
	}
	return page.Status(c, status, views.InvitationPage(v))
}

// AcceptInvitation makes a member of whoever is signed in, signs in with the form,
// or makes an account with it.
func (d *Dashboard) AcceptInvitation(c *fiber.Ctx) error {
	i, err := d.invited(c)
	if err != nil {
		return err
	}
	by := d.Sessions.Actor(c)
	switch field(c, "how") {
	case "known":
		by, err = d.signInAs(c, field(c, "username"))
	case "new":
		by, err = d.invitedSignUp(c)
	}
	if kind := access.KindOf(err); kind == access.SignedOut || kind == access.Limited || refused(err) {
		return d.showInvitation(c, page.StatusOf(err), i, views.InvitationView{
			Failed: true, How: field(c, "how"), Errors: page.FieldErrors(c, err), Username: field(c, "username"), Email: field(c, "email"),
		})
	}
	if err != nil {
		return err
	}
	return d.acceptInvitation(c, i, by)
}

// acceptInvitation brings the workspace into view, of which the reader is a member
// now.
func (d *Dashboard) acceptInvitation(c *fiber.Ctx, i db.Invitation, by access.Actor) error {
	ctx := c.UserContext()
	if field(c, "how") != "new" {
		if _, err := d.Control.AcceptInvitation(ctx, by, c.Params("code")); access.KindOf(err) == access.Conflict {
			return page.RedirectSaying(c, d, "/", views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
		} else if err != nil {
			return err
		}
	}
	w, err := d.Control.DB.FindWorkspace(ctx, i.WorkspaceID)
	if err != nil {
		return err
	}
	value, err := d.Control.SwitchWorkspace(ctx, by, w.PublicID)
	if err != nil {
		return err
	}
	if err := d.Sessions.SignIn(c, value); err != nil {
		return err
	}
	return d.say(c, "/", "invite.welcome", i.Workspace)
}

func (d *Dashboard) invitedSignUp(c *fiber.Ctx) (access.Actor, error) {
	u, _, err := d.Control.JoinByInvitation(c.UserContext(), address(c), c.Params("code"), accountForm(c))
	if err != nil {
		return access.Actor{}, err
	}
	return d.signInAs(c, u.Username)
}

// signInAs signs in with the password of the form.
func (d *Dashboard) signInAs(c *fiber.Ctx, name string) (access.Actor, error) {
	in, err := d.Control.SignIn(c.UserContext(), control.Attempt{
		Name: name, Password: field(c, "password"), Door: access.DoorPage, Address: address(c),
		Agent: c.Get(fiber.HeaderUserAgent), Device: d.Sessions.Device(c),
	})
	if control.SecondNeeded(err) {
		err = access.Fail(access.SignedOut, "invitation_second", "This account signs in with a code as well. Sign in first, then open the link again.")
	}
	if err != nil {
		return access.Actor{}, err
	}
	return in.Actor, d.open(c, in)
}
