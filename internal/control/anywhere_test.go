package control

import (
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Where things are, and who may change them there.
func TestActorsGoWhereThingsAre(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, share := o.link(ShareForm{})
	mei := o.enrol("mei")
	master := access.Actor{Kind: access.ActorMaster, WorkspaceID: o.neighbour.WorkspaceID}
	foreign := o.token("manage")
	foreign.WorkspaceID = o.neighbour.WorkspaceID
	unknown := secret.NewPublicID(o.Random)
	const ok, forbidden, missing = access.Kind(0), access.Forbidden, access.NotFound
	for _, c := range []struct {
		name                 string
		by                   access.Actor
		bot, noBot           access.Kind
		share, noShare       access.Kind
		customer, noCustomer access.Kind
		manages              bool
	}{
		{"owner", o.owner, ok, forbidden, ok, missing, ok, missing, true},
		{"neighbour", o.neighbour, forbidden, forbidden, forbidden, missing, missing, missing, true},
		{"master", master, ok, missing, ok, missing, ok, missing, true},
		{"token manage", o.token("manage"), ok, forbidden, ok, missing, ok, missing, true},
		{"token read", o.token("read"), forbidden, forbidden, forbidden, missing, missing, missing, false},
		{"token of the neighbour", foreign, forbidden, forbidden, forbidden, missing, missing, missing, true},
		{"customer", mei, forbidden, forbidden, forbidden, missing, missing, missing, false},
		{"nobody", access.Actor{}, forbidden, forbidden, forbidden, missing, missing, missing, false},
	} {
		for what, got := range map[string]struct {
			at   func() (access.Actor, error)
			want access.Kind
		}{
			"bot":         {func() (access.Actor, error) { return o.AtBot(ctx, c.by, o.bot.PublicID) }, c.bot},
			"no bot":      {func() (access.Actor, error) { return o.AtBot(ctx, c.by, unknown) }, c.noBot},
			"share":       {func() (access.Actor, error) { return o.AtShare(ctx, c.by, share) }, c.share},
			"no share":    {func() (access.Actor, error) { return o.AtShare(ctx, c.by, unknown) }, c.noShare},
			"customer":    {func() (access.Actor, error) { return o.AtCustomer(ctx, c.by, mei.PublicID) }, c.customer},
			"no customer": {func() (access.Actor, error) { return o.AtCustomer(ctx, c.by, unknown) }, c.noCustomer},
		} {
			at, err := got.at()
			if access.KindOf(err) != got.want || got.want == ok && (err != nil || at.WorkspaceID != o.workspace.ID || !at.May(access.ChangeAccess)) {
				t.Errorf("%s at a %s: %+v %v, want %v", c.name, what, at, err, got.want)
			}
			if err != nil && at.WorkspaceID != 0 {
				t.Errorf("%s at a %s is refused and %+v", c.name, what, at)
			}
		}
		if manages, err := o.IsManager(ctx, c.by); err != nil || manages != c.manages {
			t.Errorf("%s manages: %v %v", c.name, manages, err)
		}
	}
}

// A user's things are made at home, or where they may make any.
func TestAtHome(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.must(o.DB.AddMember(ctx, o.owner, o.workspace.ID, o.neighbour.PublicID, access.Viewer))
	at, err := o.AtHome(ctx, o.neighbour)
	if err != nil || at.WorkspaceID != o.neighbour.WorkspaceID {
		t.Errorf("at home: %+v %v", at, err)
	}
	// In the workspace that was named, where the role allows it, else at home.
	named := o.neighbour
	named.WorkspaceID, named.Role = o.workspace.ID, access.Viewer
	if at, err = o.AtHome(ctx, named); err != nil || at.WorkspaceID != o.neighbour.WorkspaceID || at.Role != access.Owner {
		t.Errorf("a viewer: %+v %v", at, err)
	}
	o.must(o.DB.EditMember(ctx, o.owner, o.workspace.ID, o.neighbour.PublicID, access.Editor, 0))
	if at, err = o.AtHome(ctx, named); err != nil || at.WorkspaceID != o.workspace.ID || at.Role != access.Editor {
		t.Errorf("an editor: %+v %v", at, err)
	}
	master := access.Actor{Kind: access.ActorMaster, WorkspaceID: o.workspace.ID}
	if at, err = o.AtHome(ctx, master); err != nil || at.WorkspaceID != o.workspace.ID {
		t.Errorf("the master key: %+v %v", at, err)
	}
	for _, by := range []access.Actor{o.token("read"), {}, {Kind: access.ActorUser, ID: 4711, IsAdmin: true}} {
		_, err = o.AtHome(ctx, by)
		o.refused(err, "workspace_none")
	}
}

// Everybody's customers are listed to whoever may change them, and nobody else's.
func TestCustomersAnywhere(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.enrol("mei")
	name := "nora"
	_, err := o.CreateCustomer(ctx, o.neighbour, CustomerForm{Username: &name, Password: ptr("nora likes tea")})
	o.must(err)
	o.enrol("jonas")
	names := func(by access.Actor) (list string) {
		t.Helper()
		all, err := o.CustomersAnywhere(ctx, by)
		o.must(err)
		for _, m := range all {
			list += m.Username + " "
		}
		return list
	}
	master := access.Actor{Kind: access.ActorMaster}
	for want, by := range map[string]access.Actor{"jonas mei ": o.owner, "nora ": o.neighbour, "jonas nora mei ": master, "": o.token("read")} {
		if got := names(by); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	o.must(o.DB.AddMember(ctx, o.owner, o.workspace.ID, o.neighbour.PublicID, access.Viewer))
	if got := names(o.neighbour); got != "nora " {
		t.Errorf("a viewer elsewhere: %q", got)
	}
	o.must(o.DB.EditMember(ctx, o.owner, o.workspace.ID, o.neighbour.PublicID, access.Editor, 0))
	if got := names(o.neighbour); got != "jonas nora mei " {
		t.Errorf("an editor elsewhere: %q", got)
	}
}

// Links are spelled in clear where stored secrets are shown always.
func TestSharesOfBot(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	first, _ := o.link(ShareForm{})
	second, _ := o.link(ShareForm{})
	links, texts, err := o.SharesOfBot(ctx, o.owner, o.bot.PublicID)
	o.must(err)
	if len(links) != 2 || len(texts) != 2 || texts[0] != second || texts[1] != first {
		t.Errorf("%v %v", links, texts)
	}
	if row := o.lastAudit(); row.Action != "share.list-secrets" {
		t.Errorf("the audit log: %+v", row)
	}
	for _, r := range []Reveal{RevealConfirm, RevealNever} {
		o.Reveal = r
		if _, texts, err = o.SharesOfBot(ctx, o.owner, o.bot.PublicID); err != nil || texts[0] != secret.MaskShare(secret.Hint(second)) {
			t.Errorf("with %s: %v %v", r, texts, err)
		}
	}
	for _, by := range []access.Actor{o.as(access.Viewer), o.token("read"), {}} {
		if _, _, err := o.SharesOfBot(ctx, by, o.bot.PublicID); err == nil {
			t.Errorf("%+v sees the links", by)
		}
	}
	if links, _, err := o.SharesOfBot(ctx, o.neighbour, o.bot.PublicID); err != nil || len(links) != 0 {
		t.Errorf("the neighbour sees %v %v", links, err)
	}
}

// The state of a link is told in its order, and to whom it is not open it is not
// there.
func TestLinkFor(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	mei := o.enrol("mei")
	text, id := o.link(ShareForm{})
	nora := mei
	nora.WorkspaceID = o.neighbour.WorkspaceID
	nobody := []string{}
	if l, err := o.LinkFor(ctx, mei, text); err != nil || l.Bot.ID != o.bot.ID || l.Workspace.ID != o.workspace.ID {
		t.Fatalf("%+v %v", l, err)
	}
	is := func(by access.Actor, code string) {
		t.Helper()
		l, err := o.LinkFor(ctx, by, text)
		o.refused(err, code)
		if access.KindOf(err) == access.NotFound && code == "share_unknown" && l.Share.ID != 0 {
			t.Errorf("%s tells %+v", code, l)
		}
	}
	is(nora, "share_unknown")
	_, err := o.EditShare(ctx, o.owner, id, ShareForm{Customers: ptr(&nobody)})
	o.must(err)
	is(mei, "share_not_for_you")
	o.must(o.PauseShare(ctx, o.owner, id))
	is(mei, "share_paused")
	is(nora, "share_paused")
	_, err = o.EditShare(ctx, o.owner, id, ShareForm{ExpiresAt: ptr(o.now())})
	o.must(err)
	is(mei, "share_expired")
	o.must(o.RevokeShare(ctx, o.owner, id))
	is(mei, "share_revoked")
	is(o.owner, "share_revoked")
	o.must(o.DeleteShare(ctx, o.owner, id))
	is(mei, "share_unknown")
	text = ""
	is(mei, "share_unknown")
}

// What a program makes in a foreign contract's name is shown as the owner's.
func TestShareForOwner(t *testing.T) {
	o := newOffice(t)
	master := access.Actor{Kind: access.ActorMaster, WorkspaceID: o.workspace.ID}
	for forOwner, want := range map[bool]string{true: "lin.wei", false: ""} {
		made, err := o.CreateShare(t.Context(), master, ShareForm{Bot: &o.bot.PublicID, ForOwner: forOwner})
		o.must(err)
		if made.Row.MadeBy != want {
			t.Errorf("for the owner %v: made by %q", forOwner, made.Row.MadeBy)
		}
	}
	if row := o.lastAudit(); row.Action != "share.create" || row.Actor != "master: " {
		t.Errorf("the audit log says %+v", row)
	}
}
