package control

import (
	"context"
	"encoding/json"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// OpenedLink is what a share token, or the beta key of an embedded chat, leads to.
type OpenedLink struct {
	Share     access.Share
	Bot       access.Bot
	Workspace access.Workspace
	Brand     Brand
	Token     access.Token // whose beta key opened an embedded chat; zero on a share link
	Beta      [32]byte     // hash of that key
}

// Brand is how a workspace looks to its customers.
type Brand struct {
	Name     string `json:"name"`      // shown instead of the workspace's
	Colour   string `json:"colour"`    // accent, "#204ec3"
	NoCredit bool   `json:"no_credit"` // "Powered by Latchkey" is switched off
	Legal    string `json:"legal"`     // one line under everything customers see
	NoDelete bool   `json:"no_delete"` // customers cannot delete what they said
}

// ShareOf finds the link of a presented share token. What it returns beside an
// error of a known link says whose it is, so that a dead link's page can name who
// to ask; the kinds are NotFound (unknown, deleted), Revoked (revoked, paused) and
// Expired.
func (c *Control) ShareOf(ctx context.Context, text string) (OpenedLink, error) {
	o, err := c.findLink(ctx, text)
	if access.KindOf(err) == access.NotFound || err == nil && (o.Share.Deleted || o.Bot.Deleted) {
		return OpenedLink{}, access.Share{Deleted: true}.Usable(c.Now())
	} else if err != nil {
		return OpenedLink{}, err
	}
	return o, o.Share.Usable(c.Now())
}

// LinkFor finds the link of a presented share token for a caller. To a customer,
// one of another workspace or that is not open to them is NotFound too. Whether
// its bot is still there is not looked at: asking it tells.
func (c *Control) LinkFor(ctx context.Context, by access.Actor, text string) (OpenedLink, error) {
	o, err := c.findLink(ctx, text)
	unknown := access.Share{Deleted: true}.Usable(c.Now())
	if access.KindOf(err) == access.NotFound {
		return OpenedLink{}, unknown
	}
	if err == nil {
		err = o.Share.Usable(c.Now())
	}
	if err != nil || by.Kind != access.ActorCustomer {
		return o, err
	}
	if by.WorkspaceID != o.Share.WorkspaceID {
		return OpenedLink{}, unknown
	}
	m, err := c.DB.FindCustomer(ctx, by.ID)
	if err != nil {
		return OpenedLink{}, asSignedOut(err)
	}
	seat, err := c.DB.Seat(ctx, o.Share.ID, by.ID)
	if err != nil {
		return OpenedLink{}, err
	}
	return o, o.Share.UsableBy(m, seat.Seat)
}

func (c *Control) findLink(ctx context.Context, text string) (o OpenedLink, err error) {
	unknown := access.Share{Deleted: true}.Usable(c.Now())
	if text == "" || len(text) > shareTextMax {
		return o, unknown
	}
	found, err := c.DB.FindSecret(ctx, secret.Hash(text))
	if err != nil {
		return o, err
	}
	if found.Kind != db.ShareSecret {
		return o, unknown
	}
	if o.Share, err = c.DB.FindShare(ctx, found.SubjectID); err != nil {
		return o, err
	}
	if o.Workspace, err = c.DB.FindWorkspace(ctx, o.Share.WorkspaceID); err != nil {
		return o, err
	}
	o.Brand = brandOf(o.Workspace)
	o.Bot, err = c.DB.FindBot(ctx, o.Share.BotID)
	return o, err
}

// brandOf reads what the workspace chose; what cannot be read is not branded.
func brandOf(w access.Workspace) Brand {
	var b Brand
	if json.Unmarshal([]byte(w.Brand), &b) != nil || b.Name == "" {
		b.Name = w.Name
	}
	return b
}
