package access

import "time"

// QuestionMax is the most a customer's question may hold, in bytes.
const QuestionMax = 32 << 10

// Conversation is one thread between a customer (or an embed's visitor, or a
// token) and a bot.
type Conversation struct {
	ID          int64
	PublicID    string
	WorkspaceID int64
	BotID       int64
	ShareID     int64
	CustomerID  int64
	TokenID     int64
	VisitorHash []byte
	Title       string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ReadAt      time.Time
	Deleted     bool
}

// MessageRole says who speaks.
type MessageRole string

const (
	RoleQuestion MessageRole = "question"
	RoleAnswer   MessageRole = "answer"
)

// MessageState is where a question and its answer stand. pending → running →
// done, stopped, failed or cut; the last four are final.
type MessageState string

const (
	Pending MessageState = "pending"
	Running MessageState = "running"
	Done    MessageState = "done"
	Stopped MessageState = "stopped" // by the customer
	Failed  MessageState = "failed"  // nothing was charged
	Cut     MessageState = "cut"     // partial, and charged for
)

// Final reports whether the state never changes again.
func (s MessageState) Final() bool { return s == Done || s == Stopped || s == Failed || s == Cut }

// MayBecome reports whether a message may move from s to next.
func (s MessageState) MayBecome(next MessageState) bool {
	switch s {
	case Pending:
		return next == Running || next == Failed || next == Stopped
	case Running:
		return next.Final()
	}
	return false
}

// Message is a question or an answer.
type Message struct {
	ID             int64
	ConversationID int64
	WorkspaceID    int64
	Position       int64
	Role           MessageRole
	Text           string
	State          MessageState
	RequestID      string
	Reason         string // a code, for failed and cut
	ClientKey      string
	Superseded     bool
	Rating         int64 // -1, 0, 1
	RatingNote     string
	CreatedAt      time.Time
}
