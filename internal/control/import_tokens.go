package control

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// The numbers of the states of a token there: 3 is expired and 4 is exhausted,
// which Latchkey sees for itself.
const (
	tokenEnabledThere   = 1
	tokenExpiredThere   = 3
	tokenExhaustedThere = 4
	neverThere          = -1
)

// lastSecond is the last that every door can spell: of the year 9999.
const lastSecond = 253402300799

// tokenKey tells a token from one of the same number of another file.
func tokenKey(k db.ForeignToken, u db.ForeignUser) string {
	return strconv.FormatInt(k.Number, 10) + ":" + strconv.FormatInt(k.Created, 10) + " of " + userKey(u)
}

// addTokens decides what becomes of a user's tokens.
func (i *importer) addTokens(ctx context.Context, a *db.ForeignAccount, u db.ForeignUser, tokens []db.ForeignToken) error {
	for _, k := range tokens {
		key := tokenKey(k, u)
		if _, there := i.here.Tokens[key]; there {
			i.out.Tokens.There++
			continue
		}
		why, err := i.cannotCome(ctx, k)
		if err != nil {
			return err
		}
		if why != "" {
			i.leaveToken(k, u.Username, why)
			continue
		}
		made, err := i.token(k, u)
		if err != nil {
			return err
		}
		made.Key = key
		i.out.Tokens.Made++
		a.Tokens = append(a.Tokens, made)
	}
	return nil
}

// cannotCome says why a token is left out, "" when it is not. It takes the key for
// this run.
func (i *importer) cannotCome(ctx context.Context, k db.ForeignToken) (string, error) {
	bare := secret.Strip(k.Key)
	switch {
	case k.Deleted:
		return "deleted there", nil
	case !secret.Plausible(bare) || secret.CheckChosen(bare, leastKey) != nil:
		return "its key is none that can be looked up, or one that can be guessed", nil
	}
	hash := secret.Hash(bare)
	if i.keys[hash] {
		return "its key stands in the file twice", nil
	}
	_, err := i.c.DB.FindSecret(ctx, hash)
	if access.KindOf(err) != access.NotFound {
		return "its key is in use here already", err
	}
	i.keys[hash] = true
	return "", nil
}

// leastKey is the fewest characters of a key that is taken over.
const leastKey = 8

// token spells a token of the other system as ours. Where a limit of it cannot be
// kept the token comes disabled: it must never open more than it did.
func (i *importer) token(f db.ForeignToken, u db.ForeignUser) (db.ForeignKey, error) {
	k := access.Token{
		PublicID: secret.NewPublicID(i.c.Random), Name: fit(f.Name), GroupName: f.Group, Permissions: access.Permissions{string(access.PermChat)},
		PermissionsShape: "array", ModelsLimited: f.ModelsLimited, Models: compact(strings.Split(f.Models, ",")), ExpiresAt: expiry(f.Expires),
	}
	out := db.ForeignKey{Created: i.moment(f.Created), Used: i.moment(f.Accessed), Enabled: f.Status == tokenEnabledThere && u.Status == enabledThere}
	purse := i.purse(f.Remain, f.Used, f.Unlimited)
	disable := func(why string) {
		out.Enabled = false
		i.note(tokenName(f, u.Username), "imported disabled: "+why)
	}
	switch derived := k.Expired(i.c.Now()) || purse.Exhausted(); {
	case f.Status == tokenExpiredThere || f.Status == tokenExhaustedThere:
		out.Enabled = u.Status == enabledThere && derived
		if !derived {
			disable("it was refused there as expired or used up, and looks like neither")
		}
	case f.Status != tokenEnabledThere && f.Status != tokenEnabledThere+1:
		disable("its state there has the unknown number " + strconv.FormatInt(f.Status, 10))
	}
	if f.Group == autoGroup {
		k.GroupName = ""
		i.note(tokenName(f, u.Username), "its group “auto” becomes the group of its workspace")
	}
	addresses, wrong := addressesThere(f.Addresses)
	switch k.Addresses = addresses; {
	case wrong != "" && len(addresses) == 0:
		disable("its list of addresses holds none that can be read: " + oneLine(wrong))
	case wrong != "":
		i.note(tokenName(f, u.Username), "of its addresses this is none and stays out: "+oneLine(wrong))
	}
	text, beta := "sk-"+secret.Strip(f.Key), secret.NewBeta(i.c.Random)
	var err error
	if k.Sealed, k.BetaSealed, err = i.c.sealToken(k, text, beta); err != nil {
		return out, err
	}
	k.Hint = secret.Hint(text)
	out.New = db.NewToken{Token: k, Purse: purse, Hash: secret.Hash(text), BetaHash: secret.Hash(beta)}
	return out, nil
}

// fit makes a name one that Latchkey keeps.
func fit(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !plain(string(r), false) {
			return -1
		}
		return r
	}, name))
	if runes := []rune(name); len(runes) > access.NameMax {
		name = strings.TrimSpace(string(runes[:access.NameMax]))
	}
	return name
}

// expiry reads an end. One at or before the beginning of time has passed.
func expiry(seconds int64) time.Time {
	if seconds == neverThere {
		return time.Time{}
	}
	return time.Unix(min(max(seconds, 1), lastSecond), 0).UTC()
}

// addressesThere reads a list of addresses and ranges, apart by commas, line ends
// or blanks, and says what in it is none.
func addressesThere(text string) (list []netip.Prefix, wrong string) {
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }) {
		one, err := access.ParseAddresses([]string{entry})
		if err != nil {
			wrong = strings.TrimSpace(wrong + " " + entry)
			continue
		}
		list = append(list, one...)
	}
	if len(list) == 0 && wrong == "" && strings.TrimSpace(text) != "" {
		wrong = text // separators alone
	}
	list, err := access.ParseAddresses(access.FormatAddresses(list)) // without repeats
	if err != nil {
		return nil, "there are more of them than Latchkey keeps"
	}
	return list, wrong
}
