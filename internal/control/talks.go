package control

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"latchkey/db"
	"latchkey/internal/access"
)

// A talk is a chat with a bot whose other side is told apart by an id that this
// server made: of a page with a beta key, or of a program with an API token. The id
// is random and carries a MAC, so nothing is stored before something was asked, and
// an id of another token or bot, or one that somebody made up, is none.
const (
	talkBytes = 8 // random
	talkMAC   = 8
	talkLabel = "latchkey talk v1\x00"
)

// TalkOf finds the bot that a program with an API token talks with: the token's
// own, or for a token of no bot the one that bot names (public id or slug).
func (c *Control) TalkOf(ctx context.Context, by access.Actor, bot string) (o OpenedLink, err error) {
	if by.Kind != access.ActorToken {
		return o, signedOut()
	}
	if err := by.Must(access.AskBots); err != nil {
		return o, err
	}
	if o.Token, err = c.DB.FindToken(ctx, by.ID); err != nil {
		return o, asSignedOut(err)
	}
	if o.Workspace, err = c.workspace(ctx, by); err != nil {
		return o, err
	}
	switch {
	case o.Token.BotID != 0:
		o.Bot, err = c.DB.FindBot(ctx, o.Token.BotID)
	case bot == "":
		return o, access.Fail(access.Invalid, "model_missing", "Name a model: \"model\" is missing or empty.")
	default:
		o.Bot, err = c.DB.BotByAny(ctx, by.WorkspaceID, bot)
	}
	if err == nil && (o.Bot.Deleted || !o.Bot.Enabled || bot != "" && !o.Opens(bot)) {
		err = access.Fail(access.NotFound, "not_found", "There is no such %s here.", "bot")
	}
	return o, err
}

// TalkOfBeta finds the bot that a page with a beta key talks with: as EmbedOf, but
// the bot that is named has to be the one that the key opens. A key that is none, or
// that opens nothing now, is SignedOut, Revoked or Expired; a bot that it does not
// open is NotFound.
func (c *Control) TalkOfBeta(ctx context.Context, beta, bot string) (OpenedLink, error) {
	o, err := c.findEmbed(ctx, beta, bot)
	switch {
	case err != nil && access.KindOf(err) != access.NotFound:
		return o, err
	case o.Token.ID == 0:
		return o, signedOut()
	}
	if err := o.Token.Usable(c.Now()); err != nil {
		return o, err
	}
	switch {
	case o.Token.BotID == 0 && bot == "":
		return o, access.Fail(access.Invalid, "model_missing", "Name a model: \"model\" is missing or empty.")
	case err != nil || o.Bot.Deleted || !o.Bot.Enabled || bot != "" && !o.Opens(bot):
		return o, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "bot")
	case !o.Token.Permissions.Has(access.PermChat):
		return o, access.Fail(access.Revoked, "embed_off", "This chat is switched off.")
	case o.NeedsName():
		return o, access.Fail(access.SignedOut, "identity_needed", "This chat opens for visitors whom its site knows.")
	}
	return o, nil
}

// Opens reports whether the bot of the link is the one of that public id or slug.
func (o OpenedLink) Opens(bot string) bool { return bot == o.Bot.PublicID || bot == o.Bot.Slug }

// NewTalk makes the id of a talk.
func (c *Control) NewTalk(o OpenedLink) (string, error) {
	id := make([]byte, talkBytes)
	if _, err := io.ReadFull(c.Random, id); err != nil {
		return "", err
	}
	return hex.EncodeToString(append(id, talkSum(c.Keys.CookieKey(), o, id)...)), nil
}

func talkSum(key []byte, o OpenedLink, id []byte) []byte {
	m := hmac.New(sha256.New, key)
	io.WriteString(m, talkLabel+o.Token.PublicID+"\x00"+o.Bot.PublicID+"\x00")
	m.Write(id)
	return m.Sum(nil)[:talkMAC]
}

func (c *Control) isTalk(o OpenedLink, id string) bool {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != talkBytes+talkMAC || hex.EncodeToString(b) != id {
		return false
	}
	for _, key := range c.Keys.CookieKeys() {
		if hmac.Equal(talkSum(key, o, b[:talkBytes]), b[talkBytes:]) {
			return true
		}
	}
	return false
}

// Talk is a talk that goes on.
type Talk struct {
	Guest
	Conversation string // public id, "" before anything was asked
}

// ResumeTalk lets in whoever has the id of a talk; one that is none is NotFound
// `talk_unknown`.
func (c *Control) ResumeTalk(ctx context.Context, o OpenedLink, id, address string) (Talk, error) {
	t := Talk{Guest: Guest{OpenedLink: o}}
	if !c.isTalk(o, id) {
		return t, access.Fail(access.NotFound, "talk_unknown", "There is no such conversation here. Begin a new one.")
	}
	t.Actor = access.Actor{Kind: access.ActorVisitor, WorkspaceID: o.Workspace.ID, Door: access.DoorRAGFlow, Address: address, Name: "visitor"}
	t.Seat.WorkspaceID, t.Seat.TokenID, t.Seat.VisitorHash = o.Workspace.ID, o.Token.ID, visitorHash("talk", o.Bot, id)
	all, err := c.DB.Conversations(ctx, t.Seat.Seat, db.Page{Limit: 1})
	if len(all) > 0 {
		t.Conversation = all[0].PublicID
	}
	return t, err
}

// AskTalk stores a question as pending, for the gateway to answer, and returns what
// was said before it. The refusals are those of AskQuestion.
func (c *Control) AskTalk(ctx context.Context, t Talk, question string) (asked db.Asked, before []access.Message, err error) {
	if t.Conversation != "" {
		if _, before, _, err = c.Thread(ctx, t.Guest, t.Conversation, 0); err != nil {
			return asked, nil, err
		}
	}
	asked, err = c.AskQuestion(ctx, t.Guest, QuestionForm{Conversation: t.Conversation, Question: question})
	return asked, before, err
}
