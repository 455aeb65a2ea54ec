package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// chosenMin is the least length of a secret that a caller chooses, where the door
// has no rule of its own.
const chosenMin = 16

// TokenForm is what a door sends to create or edit an API token. Nil leaves a
// field as it is, or at its default when creating.
type TokenForm struct {
	Name             *string
	Note             *string
	Bot              *string // public id, "" for none
	BotID            *int64  // the same by row number
	ExpiresAt        *time.Time
	Models           *[]string
	ModelsLimited    *bool
	Addresses        *[]string
	Group            *string
	Permissions      *[]string
	PermissionsShape *string
	ParameterName    *string
	RPM, TPM         *int64
	Concurrent       *int64
	Enabled          *bool
	ShowOnce         bool
	Secret           string // chosen by the caller, or ""
	SecretMin        int    // least length of a chosen secret, 0: the usual
	NameOptional     bool   // the door takes a token without a name
	PastExpiry       bool   // the door takes an end that has passed: the token is expired from its birth
	Wide             bool   // the door takes long names and long lists of permissions
	Quota            db.QuotaChange
	Version          int64
}

func newToken(c *Control, by access.Actor, f TokenForm, change db.TokenChange) access.Token {
	k := access.Token{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, CreatedBy: by.UserNumber(),
		Permissions: access.Permissions{string(access.PermChat)}, PermissionsShape: "array", ShowOnce: f.ShowOnce,
	}
	return change.Apply(k)
}

func newPurse(q db.QuotaChange) access.Purse {
	p := access.Purse{Unlimited: q.Quota == nil && q.Remain == nil}
	if q.Remain != nil {
		p.Quota = *q.Remain
	}
	if q.Quota != nil {
		p.Quota = *q.Quota
	}
	if q.Unlimited != nil {
		p.Unlimited = *q.Unlimited
	}
	if q.Refill != nil {
		p.Refill = *q.Refill
	}
	return p
}

// checkToken checks every field that was sent and reports all that is wrong.
func (c *Control) checkToken(ctx context.Context, by access.Actor, f TokenForm, creating bool) (db.TokenChange, error) {
	change := db.TokenChange{
		Note: f.Note, ExpiresAt: f.ExpiresAt, Models: f.Models, ModelsLimited: f.ModelsLimited, GroupName: f.Group,
		PermissionsShape: f.PermissionsShape, ParameterName: f.ParameterName, RPM: f.RPM, TPM: f.TPM, Concurrent: f.Concurrent,
		Enabled: f.Enabled, Quota: f.Quota, Version: f.Version, BotID: f.BotID,
	}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if f.Name != nil || creating {
		name, err := checkNameUpTo(deref(f.Name), "name", f.nameMax())
		if !f.NameOptional || strings.TrimSpace(deref(f.Name)) != "" {
			note(err)
		}
		change.Name = &name
	}
	note(checkText(deref(f.Note), "note", access.NoteMax))
	note(c.checkTokenBot(ctx, by, f, &change))
	note(checkTokenLists(by, f, &change))
	note(c.checkTokenGroup(ctx, f.Group))
	note(checkTokenNumbers(f))
	if f.ExpiresAt != nil && !f.ExpiresAt.IsZero() && creating && !f.PastExpiry && !f.ExpiresAt.After(c.Now()) {
		note(access.Fail(access.Invalid, "expiry_past", "This moment has passed. Choose one in the future.").At("expires_at"))
	}
	return change, errors.Join(wrong...)
}

func (c *Control) checkTokenBot(ctx context.Context, by access.Actor, f TokenForm, change *db.TokenChange) error {
	if f.Bot == nil {
		return nil
	}
	var id int64
	if *f.Bot != "" {
		b, err := c.DB.Bot(ctx, by.WorkspaceID, *f.Bot)
		if err != nil {
			if access.KindOf(err) == access.NotFound {
				return access.Fail(access.Invalid, "bot_unknown", "There is no such bot here. Choose one of the list.").At("bot_id")
			}
			return err
		}
		id = b.ID
	}
	change.BotID = &id
	return nil
}

func checkTokenLists(by access.Actor, f TokenForm, change *db.TokenChange) error {
	if f.Addresses != nil {
		list, err := access.ParseAddresses(*f.Addresses)
		if err != nil {
			return err
		}
		change.Addresses = &list
	}
	if f.Models != nil {
		models := compact(*f.Models)
		if len(models) > access.ModelsMax {
			return access.Fail(access.Invalid, "models_too_many", "At most %d models fit in one list.", access.ModelsMax).At("models")
		}
		change.Models = &models
	}
	if f.Permissions != nil {
		ps := access.Permissions(compact(*f.Permissions))
		if most := f.most(access.PermissionMax); len(ps) > most {
			return access.Fail(access.Invalid, "permissions_too_many", "At most %d permissions fit in one list.", most).At("permissions")
		}
		if !by.MayGrant(ps) {
			return access.Fail(access.Forbidden, "grant_more", "Nobody can give a token more than they may do themselves.").At("permissions")
		}
		change.Permissions = &ps
	}
	return checkText(deref(f.ParameterName), "parameter_name", f.most(access.ParameterMax))
}

// nameMax is how many characters a name may have at the form's door.
func (f TokenForm) nameMax() int {
	if f.Wide {
		return access.WideNameMax
	}
	return access.NameMax
}

// most is a limit as the form's door sees it.
func (f TokenForm) most(usual int) int {
	if f.Wide {
		return access.WideMax
	}
	return usual
}

// compact trims the entries of a list and drops the empty and the repeated.
func compact(entries []string) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		if e = strings.TrimSpace(e); e != "" && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func (c *Control) checkTokenGroup(ctx context.Context, name *string) error {
	if name == nil || *name == "" {
		return nil
	}
	g, err := c.DB.FindGroup(ctx, *name)
	if access.KindOf(err) == access.NotFound || err == nil && !g.Enabled {
		return access.Fail(access.Invalid, "group_unknown", "There is no group %q.", *name).At("group")
	}
	return err
}

func checkTokenNumbers(f TokenForm) error {
	for _, n := range []struct {
		value *int64
		field string
	}{{f.RPM, "rpm"}, {f.TPM, "tpm"}, {f.Concurrent, "concurrent"}} {
		if n.value != nil && (*n.value < 0 || *n.value > access.UnitsMax) {
			return access.Fail(access.Invalid, "number_range", "This is a whole number from 0 (no limit) up.").At(n.field)
		}
	}
	if q := f.Quota; q.Refill != nil && !q.Refill.Valid() {
		return access.Fail(access.Invalid, "refill_unknown", "A budget refills none, daily, weekly or monthly.").At("refill")
	} else if q.Quota != nil && (*q.Quota < 0 || *q.Quota > access.UnitsMax) || q.Remain != nil && (*q.Remain < 0 || *q.Remain > access.UnitsMax) {
		return access.Fail(access.Invalid, "quota_range", "A budget is between 0 and %d units.", access.UnitsMax).At("quota")
	}
	return nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
