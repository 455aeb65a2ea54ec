package control

import (
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// HandoverMax is the longest that a one-time link may be open.
const HandoverMax = 7 * 24 * time.Hour

func handoverPlace(publicID string) secret.Place {
	return secret.Place{Table: "handovers", Row: publicID, Column: "sealed"}
}

// HandOver makes a link that shows a token's key once. It takes what showing the
// key takes, and the audit log knows both.
func (c *Control) HandOver(ctx context.Context, by access.Actor, publicID string, life time.Duration) (text string, made db.Handover, err error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return "", made, err
	}
	if life <= 0 || life > HandoverMax {
		return "", made, access.Fail(access.Invalid, "handover_life", "A one-time link is open for at most %d days.", int(HandoverMax.Hours()/24)).At("life")
	}
	row, err := c.DB.Token(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return "", made, err
	}
	if err := row.Usable(c.Now()); err != nil {
		return "", made, err
	}
	key, _, err := c.RevealToken(ctx, by, publicID)
	if err != nil {
		return "", made, err
	}
	h := db.Handover{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, TokenID: row.ID, CreatedBy: by.UserNumber(), ExpiresAt: c.Now().Add(life),
	}
	if h.Sealed, err = c.Keys.Seal(handoverPlace(h.PublicID), []byte(key)); err != nil {
		return "", made, err
	}
	text = secret.NewShare(c.Random)
	made, err = c.DB.MakeHandover(ctx, by, h, row.Name, secret.Hash(text))
	return text, made, err
}

// Handovers lists the newest hand-overs of a token.
func (c *Control) Handovers(ctx context.Context, by access.Actor, publicID string) ([]db.Handover, error) {
	row, err := c.Token(ctx, by, publicID)
	if err != nil {
		return nil, err
	}
	return c.DB.Handovers(ctx, by.WorkspaceID, row.ID)
}

// DeleteHandover takes a hand-over back: its link leads nowhere from now on.
func (c *Control) DeleteHandover(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.DeleteHandover(ctx, by, by.WorkspaceID, publicID)
}

// HandedOver is a token in the hands of whoever follows its link.
type HandedOver struct {
	Handover  db.Handover
	Token     db.TokenRow
	Workspace access.Workspace
	Key       string // in clear, only once it was opened
}

// Handover says what a link leads to, to whoever has it. It uses nothing up. The
// token comes along also where the error says that it was opened already.
func (c *Control) Handover(ctx context.Context, text string) (HandedOver, error) {
	h, err := c.DB.FindHandover(ctx, secret.Hash(text))
	out := HandedOver{Handover: h}
	if err != nil {
		return out, err
	}
	if out.Workspace, err = c.DB.FindWorkspace(ctx, h.WorkspaceID); err != nil {
		return out, err
	}
	k, err := c.DB.FindToken(ctx, h.TokenID)
	if err != nil {
		return out, err
	}
	if out.Token, err = c.DB.Token(ctx, h.WorkspaceID, k.PublicID); err != nil {
		return out, err
	}
	return out, h.Usable(c.Now())
}

// OpenHandover shows the key, the only time. A key that does not work any more is
// not shown, and not used up.
func (c *Control) OpenHandover(ctx context.Context, text, address string) (HandedOver, error) {
	out, err := c.Handover(ctx, text)
	if err != nil {
		return out, err
	}
	if err := out.Token.Usable(c.Now()); err != nil {
		return out, err
	}
	key, err := c.Keys.Open(handoverPlace(out.Handover.PublicID), out.Handover.Sealed)
	if err != nil {
		return out, err
	}
	known, err := c.DB.FindSecret(ctx, secret.Hash(string(key)))
	if access.KindOf(err) == access.NotFound || err == nil && (known.SubjectID != out.Token.ID || !known.ValidUntil.IsZero()) {
		return out, access.Fail(access.Expired, "handover_replaced", "The key was replaced after this link was made. Ask whoever sent it for a new one.")
	}
	if err != nil {
		return out, err
	}
	by := access.Actor{Name: "one-time link", Door: access.DoorPage, Address: address}
	if err := c.DB.OpenHandover(ctx, by, out.Handover.ID, out.Token.Name); err != nil {
		return out, err
	}
	out.Key = string(key)
	return out, nil
}
