package control

import (
	"context"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// The numbers of the states of a user there.
const (
	enabledThere = 1
	deletedThere = 3
	adminThere   = 10
)

// newUser decides what account a user becomes.
func (i *importer) newUser(ctx context.Context, u db.ForeignUser, a *db.ForeignAccount) error {
	who := userName(u)
	name, err := i.username(ctx, u)
	if err != nil {
		return err
	}
	if name != strings.TrimSpace(u.Username) {
		i.note(who, "the name is taken or none that Latchkey keeps; imported as "+name)
	}
	a.User = access.User{
		PublicID: secret.NewPublicID(i.c.Random), Username: name, UsernameKey: fold(name), Enabled: u.Status == enabledThere, CreatedAt: i.moment(u.Created),
	}
	if nickname, err := checkNickname(u.Nickname); err == nil {
		a.User.Nickname = nickname
	}
	if a.User.Email, a.User.EmailKey, err = i.email(ctx, u, a.User.UsernameKey); err != nil {
		return err
	}
	if u.Role >= adminThere {
		i.note(who, "was an admin there; make them one here by hand if they shall be")
	}
	if !a.User.Enabled {
		i.note(who, "disabled there; imported disabled, with all API tokens disabled")
	}
	a.Workspace = a.User.Shown()
	a.Group = db.DefaultGroup
	if u.Group != "" && i.isGroup(ctx, u.Group) {
		a.Group = u.Group
	}
	a.Purse = i.purse(u.Remain, u.Used, false)
	return nil
}

// isGroup reports whether a group is here, or would be.
func (i *importer) isGroup(ctx context.Context, name string) bool {
	if slices.Contains(i.out.Groups, name) {
		return true
	}
	_, err := i.c.DB.FindGroup(ctx, name)
	return err == nil
}

// username is the name itself where it will do, else one made of it.
func (i *importer) username(ctx context.Context, u db.ForeignUser) (string, error) {
	number := strconv.FormatInt(u.Number, 10)
	system := string(i.f.System)
	candidates := []string{u.Username, u.Username + "-" + system, u.Username + "-" + system + "-" + number, system + "-user-" + number}
	if _, wrong := checkUsername(u.Username); wrong != nil {
		candidates = candidates[len(candidates)-1:]
	}
	for _, candidate := range candidates {
		name, err := checkUsername(candidate)
		if err != nil {
			continue // too long with what was put behind it
		}
		if free, err := i.free(ctx, fold(name)); err != nil || free {
			return name, err
		}
	}
	for {
		name := system + "-user-" + number + "-" + secret.NewPublicID(i.c.Random)[:8]
		if free, err := i.free(ctx, fold(name)); err != nil || free {
			return name, err
		}
	}
}

// free takes a sign-in name for this run, if nobody has it.
func (i *importer) free(ctx context.Context, key string) (bool, error) {
	if i.names[key] {
		return false, nil
	}
	_, err := i.c.DB.UserByName(ctx, key)
	if access.KindOf(err) != access.NotFound {
		return false, err
	}
	i.names[key] = true
	return true, nil
}

func (i *importer) email(ctx context.Context, u db.ForeignUser, usernameKey string) (email, key string, err error) {
	email, wrong := checkEmail(u.Email)
	key = fold(email)
	if wrong != nil || key == usernameKey {
		key = ""
	}
	if key != "" {
		free, err := i.free(ctx, key)
		if err != nil {
			return "", "", err
		}
		if !free {
			i.note(userName(u), "another account has the address; imported without it")
			return "", "", nil
		}
	}
	if wrong != nil {
		i.note(userName(u), "the address is none; imported without it")
	}
	return email, key, nil
}

// moment reads a second of the other system, if it is one.
func (i *importer) moment(seconds int64) time.Time {
	if seconds <= 0 || seconds > i.c.Now().Unix() {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// purse holds what is left and what was used there.
func (i *importer) purse(remain, used int64, unlimited bool) access.Purse {
	p := access.Purse{Unlimited: unlimited, Used: i.units(used, true)}
	p.Opening = p.Used
	if !unlimited {
		p.Quota = min(access.UnitsMax, p.Used+i.units(remain, false))
	}
	return p
}

// units is an amount of the other system in ours: what was used rounded up, what
// is left rounded down.
func (i *importer) units(theirs int64, up bool) int64 {
	if theirs <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(theirs), big.NewInt(i.c.UnitsPerDollar))
	if up {
		n.Add(n, new(big.Int).Sub(i.theirs, big.NewInt(1)))
	}
	if n.Quo(n, i.theirs); !n.IsInt64() || n.Int64() > access.UnitsMax/2 {
		return access.UnitsMax / 2 // used and left together stay below the most
	}
	return n.Int64()
}
