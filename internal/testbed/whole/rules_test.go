package whole

// Who may call what: every route of the app × every sort of caller × whose the
// object is. testdata/permissions.txt has a line for each route and names its rule;
// rules says what each caller gets under a rule. A route without a line fails.

// The classes of an answer.
const (
	in      = "in"      // served, or refused for what it says
	own     = "own"     // served, in a workspace of the caller's own: another's object is a missing one
	out     = "out"     // nobody: sign in
	barred  = "barred"  // somebody, who may not
	missing = "missing" // there is nothing
	known   = "known"   // somebody who may know of the object, and may not
	held    = "held"    // served for one object, which the credential is of
	without = "without" // somebody without a workspace at this door: served nothing
)

// powers says what each caller gets under a rule; who is not named gets what
// stands under "".
type powers map[string]string

// named gives several callers the same.
func named(class string, callers ...string) powers {
	p := powers{}
	for _, c := range callers {
		p[c] = class
	}
	return p
}

func join(all ...powers) powers {
	p := powers{}
	for _, one := range all {
		for caller, class := range one {
			p[caller] = class
		}
	}
	return p
}

var (
	pageOthers   = join(named(own, "stranger", "admin"), powers{"": out})
	nativeOthers = join(named(own, "stranger", "admin"), named(barred, "customer"), powers{"": out})
)

// rules is the table "Who may do what" of the data model and the contracts' words
// on callers, spelled a second time on purpose.
var rules = map[string]powers{
	"open":         {"": in},
	"program open": {"": in},
	"door":         {"": held}, // says no to whoever is nobody
	"setup":        join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin"), powers{"": out}),
	"signed":       join(named(in, "lin", "owner", "editor", "viewer"), pageOthers),

	// Pages: roles.
	"lists":         join(named(in, "lin", "owner", "editor", "viewer"), pageOthers),
	"change":        join(named(in, "lin", "owner", "editor"), named(barred, "viewer"), pageOthers),
	"ask":           join(named(in, "lin", "owner", "editor"), named(barred, "viewer"), pageOthers),
	"providers":     join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"workspace":     join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"audit":         join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"conversations": join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"instance":      join(named(in, "lin", "admin"), named(barred, "owner", "editor", "viewer", "stranger"), powers{"": out}),

	// The native API: roles and permissions.
	"native lists": join(named(in, "lin", "owner", "editor", "viewer", "master", "token read", "token manage", "token admin"), named(barred, "token chat"), nativeOthers),
	"native change": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"),
		named(barred, "viewer", "token chat", "token read"), nativeOthers),
	"native providers": join(named(in, "lin", "owner", "master", "token admin"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage"), nativeOthers),
	"native audit": join(named(in, "lin", "owner", "master", "token admin"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage"), nativeOthers),
	"native workspace": join(named(in, "lin", "owner", "master"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage", "token admin"), nativeOthers),
	"native instance": join(named(in, "lin", "admin", "master"), named(out, "", "share", "beta", "newapi", "nobody"),
		named(barred, "owner", "editor", "viewer", "stranger", "customer", "token chat", "token read", "token manage", "token admin")),
	"native workspaces": join(named(in, "lin", "owner", "editor", "viewer", "master", "token read", "token manage", "token admin"),
		named(barred, "token chat"), nativeOthers),
	"native workspace show": join(named(in, "lin", "owner", "editor", "viewer", "admin", "master", "token read", "token manage", "token admin"),
		named(known, "token chat"), named(own, "stranger", "customer"), powers{"": out}),
	"native workspace change": join(named(in, "lin", "owner", "admin", "master"), named(known, "editor", "viewer", "token chat", "token read", "token manage", "token admin"),
		named(own, "stranger", "customer"), powers{"": out}),

	// The gateway: API tokens that may chat.
	"gateway":       join(named(in, "token chat"), named(barred, "token read", "token manage", "token admin"), powers{"": out}),
	"gateway model": join(named(held, "token chat"), named(known, "token read", "token manage", "token admin"), powers{"": out}), // no such model, first
	"holder":        join(named(in, "token chat", "token read", "token manage", "token admin"), powers{"": out}),

	// The dialects.
	"newapi":         join(named(in, "lin", "newapi"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"newapi user":    join(named(in, "lin", "newapi"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow":        join(named(in, "lin", "master"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow user":   join(named(in, "lin"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), named(barred, "master"), powers{"": out}),
	"ragflow logout": join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin"), powers{"": out}),
	"ragflow manage": join(named(in, "lin", "master", "token manage", "token admin"), named(own, "stranger", "admin"),
		named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow admin": join(named(in, "lin", "master"), named(known, "admin"), named(barred, "owner", "editor", "viewer", "stranger"), powers{"": out}),
	"fess":          join(named(in, "lin", "token admin", "master"), named(own, "stranger", "admin"), named(barred, "owner", "editor", "viewer", "customer", "token chat", "token read", "token manage"), powers{"": out}),
	"botshare": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"), named(own, "stranger", "admin"),
		named(barred, "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare bot": join(named(held, "lin", "owner", "editor", "master", "token manage", "token admin"),
		named(barred, "stranger", "admin", "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare share": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"), named(known, "stranger", "admin"),
		named(barred, "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare customer": join(named(in, "customer"), named(barred, "lin", "owner", "editor", "viewer", "stranger", "admin", "token chat", "token read", "token manage", "token admin"), powers{"": out}),
	"botshare chat": join(named(in, "lin", "owner", "editor", "master", "token chat"),
		named(barred, "stranger", "admin", "viewer", "customer", "token read", "token manage", "token admin"), powers{"": out}),
	"botshare verify": join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin", "customer", "master", "token chat", "token read", "token manage", "token admin"), powers{"": out}),
	"logout":          join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin", "customer"), powers{"": out}),
	"beta":            join(named(held, "beta"), powers{"": out}),
	"ragflow ask":     join(named(in, "token chat", "beta"), named(barred, "token read", "token manage", "token admin"), powers{"": out}),
	"ragflow openai":  join(named(held, "token chat"), named(known, "token read", "token manage", "token admin"), powers{"": out}),

	// Links and frames: whoever holds the address sees who it is from.
	"link":  {"": held},
	"frame": {"": held},
}
