package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Embedded reports whether the link is a chat in another site's page, opened by a
// beta key.
func (o OpenedLink) Embedded() bool { return o.Token.ID != 0 }

// EmbedOf finds the chat that a beta key opens: its token's own bot, or for a token
// of no bot the one that bot names (public id or slug). What it returns beside an
// error says whose it is, where that is known. The codes are `embed_unknown` and
// `embed_off`.
func (c *Control) EmbedOf(ctx context.Context, beta, bot string) (OpenedLink, error) {
	o, err := c.findEmbed(ctx, beta, bot)
	if access.KindOf(err) == access.NotFound || err == nil && (o.Token.Deleted || o.Bot.Deleted) {
		return OpenedLink{}, unknownEmbed()
	}
	if err != nil {
		return OpenedLink{}, err
	}
	if err := o.Token.Usable(c.Now()); err != nil {
		return o, access.Fail(access.Revoked, "embed_off", "This chat is switched off.").Because(err)
	}
	if !o.Bot.Enabled || !o.Token.Permissions.Has(access.PermChat) {
		return o, access.Fail(access.Revoked, "embed_off", "This chat is switched off.")
	}
	return o, nil
}

func unknownEmbed() error {
	return access.Fail(access.NotFound, "embed_unknown", "There is no chat here. Check that its address was copied whole.")
}

func (c *Control) findEmbed(ctx context.Context, beta, bot string) (o OpenedLink, err error) {
	if !secret.Plausible(beta) {
		return o, unknownEmbed()
	}
	o.Beta = secret.Hash(beta)
	found, err := c.DB.FindSecret(ctx, o.Beta)
	if err != nil {
		return o, err
	}
	if found.Kind != db.BetaSecret {
		return o, unknownEmbed()
	}
	if o.Token, err = c.DB.FindToken(ctx, found.SubjectID); err != nil {
		return o, err
	}
	if o.Workspace, err = c.DB.FindWorkspace(ctx, o.Token.WorkspaceID); err != nil {
		return o, err
	}
	o.Brand = brandOf(o.Workspace)
	switch {
	case o.Token.BotID != 0:
		o.Bot, err = c.DB.FindBot(ctx, o.Token.BotID)
	case bot != "":
		o.Bot, err = c.DB.BotByAny(ctx, o.Workspace.ID, bot)
	default:
		err = unknownEmbed()
	}
	return o, err
}

// Visitor is who sits in front of an embedded chat.
type Visitor struct {
	Value   string       // of the cookie of one without a name
	Visit   access.Visit // of one for whom the owner's server signed
	Known   bool         // Visit counts
	Address string
}

// NewVisitor makes the value by which a visitor without a name is known again.
func (c *Control) NewVisitor() string { return secret.NewLogin(c.Random) }

// Met reports whether the visitor brought such a value.
func (v Visitor) Met() bool { return secret.Plausible(v.Value) }

// introduced is what the session of a vouched-for visitor keeps.
type introduced struct {
	Bot     string `json:"bot"` // public id
	Key     string `json:"key"` // mark of the bot's identity key
	Subject string `json:"sub"`
	Name    string `json:"name"`
}

// keyMark tells one identity key of a bot from the next.
func keyMark(b access.Bot) string {
	sum := sha256.Sum256(b.IdentityKeySealed)
	return hex.EncodeToString(sum[:8])
}

// NeedsName reports whether a chat opens only for visitors whom the owner's server
// vouches for.
func (o OpenedLink) NeedsName() bool { return o.Embedded() && len(o.Bot.IdentityKeySealed) > 0 }

// VisitEmbed lets a visitor of an embedded chat in. `identity_needed` (SignedOut):
// the owner's server has to say who it is.
func (c *Control) VisitEmbed(_ context.Context, o OpenedLink, v Visitor) (Guest, error) {
	g := Guest{OpenedLink: o}
	g.Seat.WorkspaceID, g.Seat.TokenID = o.Workspace.ID, o.Token.ID
	if !o.NeedsName() {
		g.Actor = access.Actor{Kind: access.ActorVisitor, WorkspaceID: o.Workspace.ID, Door: access.DoorChat, Address: v.Address, Name: "visitor"}
		g.Seat.VisitorHash = visitorHash("anyone", o.Bot, v.Value)
		return g, nil
	}
	var who introduced
	if !v.Known || json.Unmarshal([]byte(v.Visit.Session.Data), &who) != nil || who.Bot != o.Bot.PublicID || who.Key != keyMark(o.Bot) {
		return g, access.Fail(access.SignedOut, "identity_needed", "This chat opens for visitors whom its site knows.")
	}
	g.Actor, g.Customer, g.Name, g.Subject = v.Visit.Actor, v.Visit.Customer, who.Name, who.Subject
	g.Seat.CustomerID, g.Seat.VisitorHash = g.Customer.ID, visitorHash("named", o.Bot, fold(who.Subject))
	return g, nil
}

// visitorHash is what conversations know of a visitor.
func visitorHash(kind string, b access.Bot, text string) []byte {
	sum := sha256.Sum256([]byte("latchkey visitor v1\x00" + kind + "\x00" + strconv.FormatInt(b.ID, 10) + "\x00" + text))
	return sum[:]
}

// EmbedKey opens the sealed copy of a token's beta key, for the code that goes into
// another site's page. It is in the audit log before it answers, like every reveal.
func (c *Control) EmbedKey(ctx context.Context, by access.Actor, token string) (string, error) {
	if err := c.mayReveal(by); err != nil {
		return "", err
	}
	k, err := c.DB.RevealToken(ctx, by, by.WorkspaceID, token)
	if err != nil {
		return "", err
	}
	beta, err := c.Keys.Open(tokenPlace(k.PublicID, "beta_sealed"), k.BetaSealed)
	return string(beta), err
}
