package native

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// memberView is a role in a workspace; its id is the user's.
type memberView struct {
	ID          string  `json:"id"`
	Number      int64   `json:"number"`
	WorkspaceID string  `json:"workspace_id"`
	Username    string  `json:"username"`
	Email       string  `json:"email"`
	Nickname    string  `json:"nickname"`
	Role        string  `json:"role"`
	Status      string  `json:"status"`
	CreatedAt   *string `json:"created_at"`
	Version     int64   `json:"version"`
	Password    string  `json:"password,omitempty"` // one that was made, in the answer that made it
}

func (s scene) member(r db.MemberRow) memberView {
	return memberView{
		ID: r.User.PublicID, Number: r.User.ID, WorkspaceID: s.workspace.PublicID, Username: r.User.Username, Email: r.User.Email,
		Nickname: r.User.Nickname, Role: string(r.Role), Status: string(onOff(r.User.Enabled)), CreatedAt: at(r.CreatedAt), Version: r.Version,
	}
}

// Members serves GET members: owners, then editors, then viewers.
func (d *Door) Members(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	found, err := d.Control.Members(c.UserContext(), by)
	if err != nil {
		return err
	}
	all := make([]short, 0, len(found))
	for _, r := range found {
		all = append(all, short{r.User.Username + "\n" + r.User.Email + "\n" + r.User.Nickname, onOff(r.User.Enabled), r.CreatedAt, s.member(r)})
	}
	return whole(d, c, l, all)
}

type newMember struct {
	Username Maybe[string] `json:"username"`
	Email    Maybe[string] `json:"email"`
	Password Maybe[string] `json:"password" note:"One is made when left out."`
	Role     Maybe[string] `json:"role"`
}

func (b newMember) form(r *reader) control.MemberForm {
	f := control.MemberForm{Email: takeOr(b.Email, ""), Password: password(b.Password)}
	if name := take(r, b.Username, "username"); name != nil {
		f.Username = *name
	}
	if role := take(r, b.Role, "role"); role != nil {
		f.Role = access.Role(*role)
	}
	return f
}

// CreateMember serves POST members: somebody who has an account, or a new user.
func (d *Door) CreateMember(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b newMember) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		m, err := d.Control.CreateMember(ctx, by, f)
		return spelled(ctx, d, by, m, err, scene.newMember)
	})
}

func (s scene) newMember(m control.NewMember) memberView {
	v := s.member(m.Row)
	v.Password = m.Password
	return v
}

// Member serves GET members/{id}.
func (d *Door) Member(c *fiber.Ctx, by access.Actor) error {
	row, err := d.Control.Member(c.UserContext(), by, c.Params("id"))
	v, err := spelled(c.UserContext(), d, by, row, err, scene.member)
	return show(c, v, err)
}

type editMember struct {
	Role    Maybe[string] `json:"role"`
	Version Maybe[int64]  `json:"version"`
}

// EditMember serves PATCH members/{id}: another role.
func (d *Door) EditMember(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editMember) (any, error) {
		var r reader
		role, version := take(&r, b.Role, "role"), r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		id := c.Params("id")
		if role == nil {
			row, err := d.Control.Member(ctx, by, id)
			return spelled(ctx, d, by, row, err, scene.member)
		}
		row, err := d.Control.EditMember(ctx, by, id, access.Role(*role), version)
		return spelled(ctx, d, by, row, err, scene.member)
	})
}

// DeleteMember serves DELETE members/{id}: the role goes, the account stays.
func (d *Door) DeleteMember(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteMember(c.UserContext(), by, c.Params("id")))
}
