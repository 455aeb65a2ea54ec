package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// customerOnly lets customers pass, and nobody else.
func customerOnly(by access.Actor) error {
	if by.Kind != access.ActorCustomer {
		return signedOut()
	}
	return nil
}

// OwnSessions lists where a customer is signed in, the last used first.
func (c *Control) OwnSessions(ctx context.Context, by access.Actor) ([]access.Session, error) {
	if err := customerOnly(by); err != nil {
		return nil, err
	}
	return c.DB.Sessions(ctx, access.SubjectCustomer, by.ID)
}

// EndOwnSession ends one of a customer's own sign-ins, named by its hash.
func (c *Control) EndOwnSession(ctx context.Context, by access.Actor, hash []byte) error {
	if err := customerOnly(by); err != nil {
		return err
	}
	return c.DB.EndSession(ctx, by, access.SubjectCustomer, by.ID, hash)
}

// EndOtherOwnSessions signs a customer out everywhere but here.
func (c *Control) EndOtherOwnSessions(ctx context.Context, by access.Actor) error {
	if err := customerOnly(by); err != nil {
		return err
	}
	return c.DB.EndSessions(ctx, by, access.SubjectCustomer, by.ID, by.SessionHash)
}

// ChooseLanguage keeps the language that a customer chose, on every device.
func (c *Control) ChooseLanguage(ctx context.Context, by access.Actor, language string) error {
	if err := customerOnly(by); err != nil {
		return err
	}
	change, err := checkCustomer(CustomerForm{Language: &language}, false)
	if err != nil {
		return err
	}
	_, err = c.DB.EditCustomer(ctx, by, by.WorkspaceID, by.PublicID, db.CustomerChange{Language: change.Language})
	return err
}

// mayDelete refuses where the owner keeps what customers said.
func (g Guest) mayDelete() error {
	if g.Brand.NoDelete {
		return access.Fail(access.Forbidden, "delete_not_allowed", "Conversations cannot be deleted here. Ask whoever sent you the link.")
	}
	return nil
}

// DeleteConversations takes all of a guest's conversations in the workspace away,
// for the owner too, and returns how many there were. One with a question under way
// stays.
func (c *Control) DeleteConversations(ctx context.Context, g Guest) (int64, error) {
	if err := customerOnly(g.Actor); err != nil {
		return 0, err
	}
	if err := g.mayDelete(); err != nil {
		return 0, err
	}
	return c.DB.DeleteConversations(ctx, g.Actor, g.Customer)
}
