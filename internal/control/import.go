package control

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
)

// ForeignImport is what an import did, or would do.
type ForeignImport struct {
	Users, Tokens Tally
	Groups        []string // that were made
	Notes         []ImportNote
}

// Tally counts the rows of an import.
type Tally struct {
	Made  int
	There int // brought by an earlier run
	Left  int // left out; a note says why
}

// ImportNote says of a row why it was left out or came otherwise than it was.
// Nothing in it is a secret.
type ImportNote struct{ What, Why string }

// ImportForeign imports the users and API tokens of another system. Each user
// comes with a home workspace that holds the user's tokens, and with them as one
// fact: a run that ends early is carried on by the next, and what an earlier run
// brought is not brought again, whatever became of it since. Dry, nothing is
// written. Nobody becomes an admin, and nobody gets a password.
func (c *Control) ImportForeign(ctx context.Context, by access.Actor, f db.Foreign, dry bool) (ForeignImport, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return ForeignImport{}, err
	}
	i := importer{c: c, by: by, f: f, dry: dry, names: map[string]bool{}, keys: map[[32]byte]bool{}, tokens: map[int64][]db.ForeignToken{}}
	if err := i.begin(ctx); err != nil {
		return i.out, err
	}
	for _, u := range f.Users {
		if err := i.account(ctx, u); err != nil {
			return i.out, err
		}
		delete(i.tokens, u.Number)
	}
	for _, k := range f.Tokens {
		if _, ownerless := i.tokens[k.UserNumber]; ownerless {
			i.leaveToken(k, "", "its user is not in the file")
		}
	}
	return i.out, nil
}

// importer is a run of ImportForeign.
type importer struct {
	c    *Control
	by   access.Actor
	f    db.Foreign
	dry  bool
	out  ForeignImport
	here db.Imported

	names  map[string]bool             // folded sign-in names that this run gives
	keys   map[[32]byte]bool           // hashes of secrets that this run brings
	tokens map[int64][]db.ForeignToken // of users whose turn has not come
	theirs *big.Int                    // units of the other system in a dollar
}

func (i *importer) note(what, why string) {
	i.out.Notes = append(i.out.Notes, ImportNote{what, why})
}

// begin reads what is here already, and makes the groups that are missing.
func (i *importer) begin(ctx context.Context) (err error) {
	if i.here, err = i.c.DB.Imported(ctx, i.f.System); err != nil {
		return err
	}
	i.theirs = big.NewInt(unitsPerDollarThere)
	if text := i.f.Options[db.OptionUnits]; text != "" {
		if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 1 && n <= float64(access.UnitsMax) {
			i.theirs = big.NewInt(int64(n))
		} else {
			i.note("the file", "it says that a dollar is "+oneLine(text)+" units, which is no number; taken as "+i.theirs.String())
		}
	}
	for _, k := range i.f.Tokens {
		i.tokens[k.UserNumber] = append(i.tokens[k.UserNumber], k)
	}
	return i.groups(ctx)
}

// unitsPerDollarThere is what both systems count when nobody has changed it.
const unitsPerDollarThere = 500_000

// autoGroup is New API's name for whichever group serves.
const autoGroup = "auto"

// groups makes the groups that users and tokens name and that are not here, with
// the price ratio that they had. One that only tokens name and that had none was
// refused there, and is made disabled.
func (i *importer) groups(ctx context.Context) error {
	ratios := map[string]json.Number{}
	if text := i.f.Options[db.OptionRatios]; text != "" && json.Unmarshal([]byte(text), &ratios) != nil {
		i.note("the file", "its price ratios of groups cannot be read; groups that are missing here get the ratio 1")
	}
	ofUsers, names := map[string]bool{db.DefaultGroup: true}, []string{db.DefaultGroup}
	for _, u := range i.f.Users {
		if name := u.Group; name != "" && !u.Deleted && !ofUsers[name] {
			ofUsers[name] = true
			names = append(names, name)
		}
	}
	for _, k := range i.f.Tokens {
		if name := k.Group; name != "" && name != autoGroup && !k.Deleted && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		ratio, known := ratios[name]
		if err := i.group(ctx, name, string(ratio), known || ofUsers[name] || i.f.System == db.OneAPI); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) group(ctx context.Context, name, ratio string, enabled bool) error {
	g, err := i.c.DB.FindGroup(ctx, name)
	if access.KindOf(err) != access.NotFound {
		if ppm, wrong := access.ParseDecimal(ratio, access.RatioOne); err == nil && wrong == nil && ppm != g.RatioPPM {
			i.note("group "+oneLine(name), "it is here with another price ratio than "+ratio+", which stays")
		}
		return err
	}
	f := GroupForm{Name: &name, Enabled: &enabled}
	if ratio != "" {
		f.Ratio = &ratio
	}
	if _, wrong := checkGroup(f, true); wrong != nil && f.Ratio != nil {
		i.note("group "+oneLine(name), "its price ratio "+oneLine(ratio)+" is none that Latchkey keeps; it is made with 1, and disabled")
		enabled, f.Ratio = false, nil
	}
	if _, wrong := checkGroup(f, true); wrong != nil {
		i.note("group "+oneLine(name), "its name is none that Latchkey keeps; whoever is in it gets the group default, tokens that name it are refused")
		return nil
	}
	if !enabled && ratio == "" {
		i.note("group "+name, "it had no price ratio and was refused there; it is made disabled")
	}
	i.out.Groups = append(i.out.Groups, name)
	if i.dry {
		return nil
	}
	_, err = i.c.CreateGroup(ctx, i.by, f)
	return err
}

// account imports a user, or the user's tokens where the user is here.
func (i *importer) account(ctx context.Context, u db.ForeignUser) error {
	tokens, who := i.tokens[u.Number], userName(u)
	if u.Deleted || i.f.System == db.OneAPI && u.Status == deletedThere {
		i.leave(who, "deleted there", tokens)
		return nil
	}
	a := db.ForeignAccount{Source: i.f.System, Key: userKey(u)}
	if id, there := i.here.Users[a.Key]; there {
		i.out.Users.There++
		user, err := i.c.DB.FindUser(ctx, id)
		if access.KindOf(err) == access.NotFound || err == nil && user.HomeID == 0 {
			i.leaveTokens(tokens, u, "its user was imported and deleted since")
			return nil
		}
		if err != nil {
			return err
		}
		a.User, a.Home = user, user.HomeID
	} else if err := i.newUser(ctx, u, &a); err != nil {
		return err
	}
	before := i.out
	if err := i.addTokens(ctx, &a, u, tokens); err != nil {
		return err
	}
	return i.write(ctx, a, before, who, len(tokens))
}

// write states the fact. One that is refused leaves the account out.
func (i *importer) write(ctx context.Context, a db.ForeignAccount, before ForeignImport, who string, tokens int) error {
	if a.User.ID == 0 {
		i.out.Users.Made++
	} else if len(a.Tokens) == 0 {
		return nil
	}
	if i.dry {
		return nil
	}
	err := i.c.DB.ImportAccount(ctx, i.by, a)
	if kind := access.KindOf(err); err == nil || kind != access.Conflict && kind != access.Invalid && kind != access.NotFound {
		return err
	}
	i.out = before
	if a.User.ID == 0 {
		i.out.Users.Left++
	}
	i.out.Tokens.Left += tokens
	i.note(who, "left out with its tokens: "+access.Problems(err)[0].Text)
	return nil
}

func (i *importer) leave(who, why string, tokens []db.ForeignToken) {
	i.out.Users.Left++
	i.out.Tokens.Left += len(tokens)
	if len(tokens) > 0 {
		why += ", left out with " + strconv.Itoa(len(tokens)) + " API tokens"
	}
	i.note(who, why)
}

func (i *importer) leaveTokens(tokens []db.ForeignToken, u db.ForeignUser, why string) {
	for _, k := range tokens {
		if _, there := i.here.Tokens[tokenKey(k, u)]; there {
			i.out.Tokens.There++
		} else {
			i.leaveToken(k, u.Username, why)
		}
	}
}

func (i *importer) leaveToken(k db.ForeignToken, user, why string) {
	i.out.Tokens.Left++
	i.note(tokenName(k, user), "left out: "+why)
}

// What rows of the other system are called.
func tokenName(k db.ForeignToken, user string) string {
	name := "API token " + strconv.FormatInt(k.Number, 10)
	if k.Name != "" {
		name += " “" + oneLine(k.Name) + "”"
	}
	if user != "" {
		name += " of " + oneLine(user)
	}
	return name
}

func userName(u db.ForeignUser) string {
	if name := oneLine(u.Username); name != "" {
		return "user " + name
	}
	return "user " + strconv.FormatInt(u.Number, 10)
}

// userKey tells a user of one file from one of the same number of another.
func userKey(u db.ForeignUser) string {
	mark := u.Mark
	if mark == "" {
		mark = u.Username
	}
	return strconv.FormatInt(u.Number, 10) + ":" + mark
}

// oneLine keeps a text of the file on one line of a report.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !plain(string(r), false) {
			return '·'
		}
		return r
	}, text)
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}
