package control

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// titleMost is how many characters of the first question name a conversation.
const titleMost = 60

// clientKeyMax bounds what a form may call itself.
const clientKeyMax = 64

// Guest is a customer on a share link that is open to them, or a visitor of an
// embedded chat.
type Guest struct {
	OpenedLink
	Actor    access.Actor
	Customer access.Customer
	Seat     db.SeatRow
	Name     string // that the owner's server gave a visitor, "" elsewhere
	Subject  string // by which that server knows them
}

// Keeps reports whether what is said is stored at all.
func (g Guest) Keeps() bool { return g.Bot.KeepsText() }

// EnterShare lets a customer in on a link: an opening is counted, and the first
// one takes a seat. The refusals are those of access.Share.Usable and UsableBy,
// and `seats_taken`.
func (c *Control) EnterShare(ctx context.Context, by access.Actor, o OpenedLink) (Guest, error) {
	g, err := c.guest(ctx, by, o)
	if err != nil {
		return g, err
	}
	g.Seat, err = c.DB.OpenShare(ctx, o.Share.ID, by.ID, o.Workspace.Location())
	if access.KindOf(err) == access.Busy {
		return c.reenter(ctx, g, err)
	}
	return c.seated(g), err
}

// reenter lets in whoever has a seat while the disk takes no writes: nothing is
// counted.
func (c *Control) reenter(ctx context.Context, g Guest, busy error) (Guest, error) {
	seat, err := c.DB.Seat(ctx, g.Share.ID, g.Actor.ID)
	if err != nil || seat.PurseID == 0 {
		return g, busy
	}
	g.Seat = seat
	return c.seated(g), g.Share.UsableBy(g.Customer, seat.Seat)
}

// VisitShare is EnterShare for what a customer does inside: nothing is counted,
// and whoever has not opened the link yet takes a seat first.
func (c *Control) VisitShare(ctx context.Context, by access.Actor, o OpenedLink) (Guest, error) {
	g, err := c.guest(ctx, by, o)
	if err != nil {
		return g, err
	}
	if g.Seat, err = c.DB.Seat(ctx, o.Share.ID, by.ID); err != nil {
		return g, err
	}
	if g.Seat.PurseID == 0 {
		return c.EnterShare(ctx, by, o)
	}
	return c.seated(g), o.Share.UsableBy(g.Customer, g.Seat.Seat)
}

func (c *Control) guest(ctx context.Context, by access.Actor, o OpenedLink) (Guest, error) {
	g := Guest{OpenedLink: o, Actor: by}
	if by.Kind != access.ActorCustomer || by.WorkspaceID != o.Share.WorkspaceID {
		return g, signedOut()
	}
	if err := o.Share.Usable(c.Now()); err != nil {
		return g, err
	}
	var err error
	g.Customer, err = c.DB.FindCustomer(ctx, by.ID)
	return g, asSignedOut(err)
}

func (c *Control) seated(g Guest) Guest {
	g.Seat.Seat.WorkspaceID = g.Share.WorkspaceID
	g.Seat.Purse = g.Seat.Purse.At(c.Now(), g.Workspace.Location())
	return g
}

// RefillAt is when a guest's allowance comes back, the zero time when it never
// does.
func (c *Control) RefillAt(g Guest) time.Time {
	return g.Seat.Purse.Refill.NextRefill(c.Now(), g.Workspace.Location())
}

// QuestionForm is what a customer sends.
type QuestionForm struct {
	Conversation string // public id, "" for a new one
	Question     string // "" in a retry: what was asked before
	ClientKey    string // the same key again is the same question
	Replaces     int64  // the question that a retry or an edit takes the place of
}

// AskQuestion stores a question as pending, for the gateway to answer. Refusals:
// `question_empty`, `question_binary`, `question_too_long`, `question_running`, `question_not_kept`.
func (c *Control) AskQuestion(ctx context.Context, g Guest, f QuestionForm) (db.Asked, error) {
	text := clean(f.Question)
	switch {
	case text == "" && f.Replaces == 0:
		return db.Asked{}, access.Fail(access.Invalid, "question_empty", "Write a question first.").At("question")
	case isFile(f.Question):
		return db.Asked{}, access.Fail(access.Invalid, "question_binary",
			"This looks like a file, not like text. Copy the words out of it.").At("question")
	case len(text) > access.QuestionMax:
		return db.Asked{}, access.Fail(access.Invalid, "question_too_long",
			"This question is too long: at most %d KB fit. Send it in parts.", access.QuestionMax>>10).At("question")
	case len(f.ClientKey) > clientKeyMax || !plain(f.ClientKey, false):
		return db.Asked{}, access.Fail(access.Invalid, "form_broken", "This form cannot be read. Reload the page and send it again.")
	}
	return c.DB.StoreQuestion(ctx, db.NewQuestion{
		Seat: g.Seat.Seat, BotID: g.Bot.ID, Conversation: f.Conversation, NewID: secret.NewPublicID(c.Random), Title: titleOf(text),
		Text: text, Keeps: g.Keeps(), ClientKey: f.ClientKey, Replaces: f.Replaces,
	})
}

// isFile reports a pasted file: a zero byte, or many characters that no text has.
func isFile(text string) bool {
	const fewest, share = 8, 20 // more than so many, and than one in so many
	odd, all := 0, 0
	for _, r := range text {
		all++
		switch {
		case r == 0:
			return true
		case r == utf8.RuneError, unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t':
			odd++
		}
	}
	return odd > fewest && odd*share > all || odd > 0 && odd == all
}

// clean makes a text storable: valid, with plain line breaks, without control
// characters and without blank edges.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r == '\uFEFF':
			return -1
		}
		return r
	}, text))
}

// titleOf makes a title of a question: its first line, cut between two words.
func titleOf(question string) string {
	line, _, _ := strings.Cut(question, "\n")
	return shorten(strings.Join(strings.Fields(line), " "), titleMost)
}

// shorten cuts a text at most characters, between two words where one is near.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := []rune(text)[:most]
	for i := len(cut) - 1; i > most*2/3; i-- {
		if unicode.IsSpace(cut[i]) {
			cut = cut[:i]
			break
		}
	}
	return strings.TrimRight(string(cut), " ,;:.，。；：、") + "…"
}

// Conversations lists a guest's conversations on the link.
func (c *Control) Conversations(ctx context.Context, g Guest, p db.Page) ([]access.Conversation, error) {
	p.Query = strings.TrimSpace(p.Query)
	return c.DB.Conversations(ctx, g.Seat.Seat, p)
}

// Conversation returns one of a guest's conversations.
func (c *Control) Conversation(ctx context.Context, g Guest, publicID string) (access.Conversation, error) {
	return c.DB.Conversation(ctx, g.Seat.Seat, publicID)
}

// Thread returns the messages of a guest's conversation, up to db.ThreadMax before
// a position (0: the newest), and whether there are earlier ones.
func (c *Control) Thread(ctx context.Context, g Guest, publicID string, before int64) (access.Conversation, []access.Message, bool, error) {
	one, err := c.DB.Conversation(ctx, g.Seat.Seat, publicID)
	if err != nil {
		return one, nil, false, err
	}
	messages, more, err := c.DB.Thread(ctx, one, before)
	return one, messages, more, err
}

// Question returns a question of a guest's conversation with its answer.
func (c *Control) Question(ctx context.Context, g Guest, conversation string, id int64) (question, answer access.Message, err error) {
	return c.DB.Question(ctx, g.Seat.Seat, conversation, id)
}

// RunningQuestion returns the question of a guest's conversation that is under
// way; NotFound when none is.
func (c *Control) RunningQuestion(ctx context.Context, g Guest, conversation string) (access.Message, error) {
	one, err := c.DB.Conversation(ctx, g.Seat.Seat, conversation)
	if err != nil {
		return access.Message{}, err
	}
	return c.DB.RunningQuestion(ctx, one)
}

// StopQuestion ends a guest's question that waits, or runs with nobody answering
// it; the gateway stops those that are being answered. One that has ended stays as
// it is.
func (c *Control) StopQuestion(ctx context.Context, g Guest, conversation string, id int64) error {
	q, _, err := c.Question(ctx, g, conversation, id)
	if err != nil {
		return err
	}
	return c.DB.EndQuestion(ctx, db.QuestionEnd{QuestionID: q.ID, State: access.Stopped, Reason: "stopped"})
}

// RenameConversation gives a guest's conversation another title.
func (c *Control) RenameConversation(ctx context.Context, g Guest, publicID, title string) error {
	title = strings.Join(strings.Fields(clean(title)), " ")
	if title == "" {
		return access.Fail(access.Invalid, "name_missing", "Give it a name.").At("name")
	}
	if utf8.RuneCountInString(title) > access.NameMax {
		return access.Fail(access.Invalid, "name_long", "A name has at most %d characters.", access.NameMax).At("name")
	}
	return c.DB.RenameConversation(ctx, g.Seat.Seat, publicID, title)
}

// DeleteConversation takes a guest's conversation away, for the owner too, where
// the owner lets customers do that.
func (c *Control) DeleteConversation(ctx context.Context, g Guest, publicID string) error {
	if err := g.mayDelete(); err != nil {
		return err
	}
	return c.DB.DeleteConversation(ctx, g.Actor, g.Seat.Seat, publicID)
}

// RateAnswer keeps what a guest thinks of the answer to a question: 1, -1, or 0 to
// take it back. A note is text, and is stored where text is.
func (c *Control) RateAnswer(ctx context.Context, g Guest, conversation string, question, rating int64, note *string) error {
	if rating < -1 || rating > 1 {
		return access.Fail(access.Invalid, "form_broken", "This form cannot be read. Reload the page and send it again.")
	}
	if note != nil {
		text := clean(*note)
		if err := checkText(text, "note", access.NoteMax); err != nil {
			return err
		}
		if !g.Keeps() {
			text = ""
		}
		note = &text
	}
	return c.DB.RateAnswer(ctx, g.Seat.Seat, conversation, question, rating, note)
}
