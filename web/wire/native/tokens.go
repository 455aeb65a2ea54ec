package native

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// keepOldUsual is how long a rotated secret lives on when nothing is said.
const keepOldUsual = 24 * time.Hour

type tokenView struct {
	ID            string   `json:"id"`
	Number        int64    `json:"number"`
	WorkspaceID   string   `json:"workspace_id"`
	Name          string   `json:"name"`
	Note          string   `json:"note"`
	Status        string   `json:"status"`
	Hint          string   `json:"hint"`
	BotID         *string  `json:"bot_id"`
	ExpiresAt     *string  `json:"expires_at"`
	Quota         int64    `json:"quota"`
	Used          int64    `json:"used"`
	Reserved      int64    `json:"reserved"`
	Remain        *int64   `json:"remain"` // null: unlimited
	Unlimited     bool     `json:"unlimited"`
	Refill        string   `json:"refill"`
	Models        []string `json:"models" manual:"null"` // null: all
	Addresses     []string `json:"addresses"`
	Group         string   `json:"group"`
	Permissions   []string `json:"permissions"`
	ParameterName string   `json:"parameter_name"`
	RPM           int64    `json:"rpm"`
	TPM           int64    `json:"tpm"`
	Concurrent    int64    `json:"concurrent"`
	ShowOnce      bool     `json:"show_once"`
	CreatedBy     *string  `json:"created_by"`
	CreatedAt     *string  `json:"created_at"`
	UpdatedAt     *string  `json:"updated_at"`
	UsedAt        *string  `json:"used_at"`
	RevokedAt     *string  `json:"revoked_at"`
	Version       int64    `json:"version"`
	Secret        string   `json:"secret,omitempty"`
	Beta          string   `json:"beta,omitempty"`
}

func (s scene) token(r db.TokenRow) tokenView {
	p := s.purse(r.Purse)
	v := tokenView{
		ID: r.PublicID, Number: r.ID, WorkspaceID: s.workspace.PublicID, Name: r.Name, Note: r.Note, Status: string(r.Status(p, s.now)),
		Hint: r.Hint, BotID: orNull(r.BotPublicID), ExpiresAt: at(r.ExpiresAt), Quota: p.Quota, Used: p.Used, Reserved: p.Reserved,
		Remain: remain(p), Unlimited: p.Unlimited, Refill: string(p.Refill), Addresses: access.FormatAddresses(r.Addresses), Group: r.GroupName,
		Permissions: nonNil(r.Permissions), ParameterName: r.ParameterName, RPM: r.RPM, TPM: r.TPM, Concurrent: r.Concurrent, ShowOnce: r.ShowOnce,
		CreatedBy: orNull(r.MadeBy), CreatedAt: at(r.CreatedAt), UpdatedAt: at(r.UpdatedAt), UsedAt: at(r.UsedAt), RevokedAt: at(r.RevokedAt),
		Version: r.Version,
	}
	if r.ModelsLimited {
		v.Models = nonNil(r.Models)
	}
	return v
}

func remain(p access.Purse) *int64 {
	if p.Unlimited {
		return nil
	}
	n := p.Remain()
	return &n
}

// budgetBody are the fields of a budget.
type budgetBody struct {
	Quota     Maybe[int64]         `json:"quota"`
	Unlimited Maybe[bool]          `json:"unlimited"`
	Refill    Maybe[access.Refill] `json:"refill"`
}

// form reads a budget; a quota of null is no limit.
func (b budgetBody) form(r *reader) (q db.QuotaChange) {
	q.Unlimited, q.Refill = take(r, b.Unlimited, "unlimited"), takeOr(b.Refill, access.RefillNone)
	if b.Quota.Null {
		yes := true
		if q.Unlimited == nil {
			q.Unlimited = &yes
		}
		return q
	}
	q.Quota = take(r, b.Quota, "quota")
	return q
}

type tokenBody struct {
	budgetBody
	Name          Maybe[string]   `json:"name"`
	Note          Maybe[string]   `json:"note"`
	BotID         Maybe[string]   `json:"bot_id"`
	ExpiresAt     Maybe[string]   `json:"expires_at"`
	Models        Maybe[[]string] `json:"models"`
	Addresses     Maybe[[]string] `json:"addresses"`
	Group         Maybe[string]   `json:"group"`
	Permissions   Maybe[[]string] `json:"permissions"`
	ParameterName Maybe[string]   `json:"parameter_name"`
	RPM           Maybe[int64]    `json:"rpm"`
	TPM           Maybe[int64]    `json:"tpm"`
	Concurrent    Maybe[int64]    `json:"concurrent"`
}

type newToken struct {
	tokenBody
	ShowOnce Maybe[bool]   `json:"show_once"`
	Secret   Maybe[string] `json:"secret" note:"The token's own text; one is made when left out."`
}

type editToken struct {
	tokenBody
	Version Maybe[int64] `json:"version"`
}

func (b tokenBody) form(r *reader) control.TokenForm {
	f := control.TokenForm{
		Name: take(r, b.Name, "name"), Note: takeOr(b.Note, ""), Bot: takeOr(b.BotID, ""), ExpiresAt: r.moment(b.ExpiresAt, "expires_at"),
		Models: takeOr(b.Models, nil), Addresses: takeOr(b.Addresses, nil), Group: takeOr(b.Group, ""),
		Permissions: take(r, b.Permissions, "permissions"), ParameterName: takeOr(b.ParameterName, ""),
		RPM: takeOr(b.RPM, 0), TPM: takeOr(b.TPM, 0), Concurrent: takeOr(b.Concurrent, 0), Quota: b.budgetBody.form(r),
	}
	if b.Models.Set {
		limited := !b.Models.Null
		f.ModelsLimited = &limited
	}
	return f
}

// Tokens serves GET tokens.
func (d *Door) Tokens(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled, access.StatusExpired, access.StatusExhausted, access.StatusRevoked))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]db.TokenRow, int64, error) {
		return d.Control.Tokens(ctx, by, p)
	}
	return rows(d, c, l, fetch, func(r db.TokenRow) int64 { return r.ID }, func(r db.TokenRow) any { return s.token(r) })
}

// CreateToken serves POST tokens. Its answer is the one that always holds the
// secrets.
func (d *Door) CreateToken(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b newToken) (any, error) {
		var r reader
		f := b.form(&r)
		if once := take(&r, b.ShowOnce, "show_once"); once != nil {
			f.ShowOnce = *once
		}
		f.Secret = *takeOr(orAbsent(b.Secret), "")
		if err := r.err(); err != nil {
			return nil, err
		}
		k, err := d.Control.CreateToken(ctx, by, f)
		return spelled(ctx, d, by, k, err, scene.issued)
	})
}

// orAbsent makes an absent field null.
func orAbsent[T any](m Maybe[T]) Maybe[T] {
	m.Null = m.Null || !m.Set
	m.Set = true
	return m
}

func (s scene) issued(k control.Issued) tokenView {
	v := s.token(k.Row)
	v.Secret, v.Beta = k.Secret, k.Beta
	return v
}

// Token serves GET tokens/{id}.
func (d *Door) Token(c *fiber.Ctx, by access.Actor) error {
	v, err := d.token(c.UserContext(), by, c.Params("id"))
	return show(c, v, err)
}

func (d *Door) token(ctx context.Context, by access.Actor, id string) (any, error) {
	row, err := d.Control.Token(ctx, by, id)
	return spelled(ctx, d, by, row, err, scene.token)
}

// EditToken serves PATCH tokens/{id}.
func (d *Door) EditToken(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editToken) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		if _, err := d.Control.EditToken(ctx, by, c.Params("id"), f); err != nil {
			return nil, err
		}
		return d.token(ctx, by, c.Params("id"))
	})
}

// DeleteToken serves DELETE tokens/{id}.
func (d *Door) DeleteToken(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteToken(c.UserContext(), by, c.Params("id")))
}

// verb is an act on one row that takes no fields.
type verb func(context.Context, access.Actor, string) error

// tokenVerb serves POST tokens/{id}/… for an act without fields.
func (d *Door) tokenVerb(act verb) Handler {
	return func(c *fiber.Ctx, by access.Actor) error {
		return change(c, func(ctx context.Context, _ nothing) (any, error) {
			if err := act(ctx, by, c.Params("id")); err != nil {
				return nil, err
			}
			return d.token(ctx, by, c.Params("id"))
		})
	}
}

// RevealToken serves POST tokens/{id}/reveal.
func (d *Door) RevealToken(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, _ nothing) (any, error) {
		text, beta, err := d.Control.RevealToken(ctx, by, c.Params("id"))
		return struct {
			ID     string `json:"id"`
			Secret string `json:"secret"`
			Beta   string `json:"beta"`
		}{c.Params("id"), text, beta}, err
	})
}

type rotateBody struct {
	KeepOld Maybe[string] `json:"keep_old"`
}

// RotateToken serves POST tokens/{id}/rotate.
func (d *Door) RotateToken(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b rotateBody) (any, error) {
		keep := keepOldUsual
		if b.KeepOld.Set && !b.KeepOld.Null {
			var err error
			if keep, err = time.ParseDuration(b.KeepOld.Value); err != nil {
				return nil, access.Fail(access.Invalid, "duration_malformed", "A duration is written like 24h, 30m or 0s.").At("keep_old")
			}
		}
		k, err := d.Control.RotateToken(ctx, by, c.Params("id"), keep)
		return spelled(ctx, d, by, k, err, scene.issued)
	})
}
