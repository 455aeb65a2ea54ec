package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

func checkBrand(b Brand) error {
	var wrong []error
	if b.Colour != "" && !colour.MatchString(b.Colour) {
		wrong = append(wrong, access.Fail(access.Invalid, "colour_invalid", "A colour is written like #204ec3.").At("colour"))
	}
	if b.Name != "" {
		_, err := checkName(b.Name, "brand_name")
		wrong = append(wrong, err)
	}
	if strings.ContainsAny(b.Legal, "\r\n") {
		wrong = append(wrong, access.Fail(access.Invalid, "legal_lines", "Write it in one line.").At("legal"))
	}
	wrong = append(wrong, checkText(b.Legal, "legal", legalMax))
	return errors.Join(wrong...)
}

// legalMax bounds the line under everything that customers see, in characters.
const legalMax = 200

// WorkspaceForm is what a door sends to make or edit a workspace. Nil leaves a
// field as it is.
type WorkspaceForm struct {
	Name, TimeZone *string
	Brand          *Brand
	Group          *string        // an instance admin's to choose
	Quota          db.QuotaChange // an instance admin's cap on the whole workspace
	Version        int64
}

// Workspace returns the workspace that the actor acts in.
func (c *Control) Workspace(ctx context.Context, by access.Actor) (access.Workspace, error) {
	if !by.May(access.SeeLists) && !by.May(access.AskBots) {
		return access.Workspace{}, by.Must(access.SeeLists)
	}
	return c.workspace(ctx, by)
}

// Memberships lists the workspaces that the actor has a role in, home first.
func (c *Control) Memberships(ctx context.Context, by access.Actor) ([]db.Membership, error) {
	if err := me(by); err != nil {
		return nil, err
	}
	return c.DB.Memberships(ctx, by.ID)
}

// Workspaces lists the workspaces of the instance: that they exist, not what is
// in them.
func (c *Control) Workspaces(ctx context.Context, by access.Actor, p db.Page) ([]access.Workspace, int64, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.Workspaces(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountWorkspaces(ctx, p)
	return rows, n, err
}

// InWorkspace returns the actor as it stands in the workspace of a public id: with
// the role it has there, or as an instance admin without one. Whoever has neither
// learns nothing of it.
func (c *Control) InWorkspace(ctx context.Context, by access.Actor, publicID string) (access.Actor, error) {
	w, err := c.DB.WorkspaceByPublicID(ctx, publicID)
	if access.KindOf(err) == access.NotFound {
		err = unknownWorkspace() // as for another's
	}
	if err != nil {
		return access.Actor{}, err
	}
	if by.Kind == access.ActorUser {
		if by.Role, err = c.DB.RoleIn(ctx, w.ID, by.ID); err != nil {
			return access.Actor{}, err
		}
		by.WorkspaceID = w.ID
	}
	if by.Kind == access.ActorMaster {
		by.WorkspaceID = w.ID
	}
	if by.WorkspaceID != w.ID || !by.May(access.SeeLists) && !by.May(access.AskBots) && !by.May(access.RunInstance) {
		return access.Actor{}, unknownWorkspace()
	}
	return by, nil
}

// WorkspaceRow is a workspace with its budget as a whole and the actor's role.
type WorkspaceRow struct {
	access.Workspace
	Purse access.Purse
	Role  access.Role
}

// WorkspaceRow returns the workspace that the actor stands in, for its members and
// for instance admins.
func (c *Control) WorkspaceRow(ctx context.Context, by access.Actor) (WorkspaceRow, error) {
	if !by.May(access.RunInstance) && !by.May(access.SeeLists) {
		return WorkspaceRow{}, by.Must(access.SeeLists)
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return WorkspaceRow{}, err
	}
	p, err := c.DB.WorkspacePurse(ctx, w)
	return WorkspaceRow{Workspace: w, Purse: p.At(c.Now(), w.Location()), Role: by.Role}, err
}

// VisibleWorkspaces lists the workspaces that the actor may know of: an instance
// admin all, a user those with a role, an API token its own.
func (c *Control) VisibleWorkspaces(ctx context.Context, by access.Actor, p db.Page) ([]access.Workspace, int64, error) {
	if by.May(access.RunInstance) {
		return c.Workspaces(ctx, by, p)
	}
	if by.Kind != access.ActorUser {
		if err := by.Must(access.SeeLists); err != nil {
			return nil, 0, err
		}
		w, err := c.workspace(ctx, by)
		return after([]access.Workspace{w}, p), 1, err
	}
	all, err := c.DB.Memberships(ctx, by.ID)
	rows := make([]access.Workspace, 0, len(all))
	for _, m := range all {
		if p.Query == "" || strings.Contains(fold(m.Workspace.Name), fold(p.Query)) || m.Workspace.PublicID == p.Query {
			rows = append(rows, m.Workspace)
		}
	}
	slices.SortFunc(rows, func(a, b access.Workspace) int { return cmp.Compare(b.ID, a.ID) })
	return after(rows, p), int64(len(rows)), err
}

// after cuts a page out of rows that stand newest first.
func after(rows []access.Workspace, p db.Page) []access.Workspace {
	if p.Oldest {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	rows = slices.DeleteFunc(rows, func(w access.Workspace) bool {
		return p.Oldest && w.ID <= p.Before || !p.Oldest && p.Before > 0 && w.ID >= p.Before
	})
	return rows[:min(len(rows), max(p.Limit, 1))]
}

// CreateWorkspace makes a further workspace that a user owns, "" for the actor.
func (c *Control) CreateWorkspace(ctx context.Context, by access.Actor, f WorkspaceForm, owner string) (access.Workspace, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Workspace{}, err
	}
	if owner == "" {
		if err := me(by); err != nil {
			return access.Workspace{}, access.Fail(access.Invalid, "owner_missing", "Name the user who will own this workspace.").At("owner")
		}
		owner = by.PublicID
	}
	name, err := checkName(deref(f.Name), "name")
	if err := errors.Join(err, checkTimeZone(f.TimeZone)); err != nil {
		return access.Workspace{}, err
	}
	return c.DB.MakeWorkspace(ctx, by, access.Workspace{
		PublicID: secret.NewPublicID(c.Random), Name: name, TimeZone: deref(f.TimeZone),
	}, owner)
}

// EditWorkspace changes the workspace that the actor acts in: its owners name,
// zone and brand, an instance admin its group and its cap.
func (c *Control) EditWorkspace(ctx context.Context, by access.Actor, f WorkspaceForm) (access.Workspace, error) {
	if f.Group != nil || !f.Quota.None() {
		if err := by.Must(access.RunInstance); err != nil {
			return access.Workspace{}, err
		}
	}
	if f.Name != nil || f.TimeZone != nil || f.Brand != nil {
		if err := by.Must(access.ChangeWorkspace); err != nil {
			return access.Workspace{}, err
		}
	}
	change := db.WorkspaceChange{TimeZone: f.TimeZone, GroupName: f.Group, Quota: f.Quota, Version: f.Version}
	var wrong []error
	if f.Name != nil {
		name, err := checkName(*f.Name, "name")
		wrong = append(wrong, err)
		change.Name = &name
	}
	wrong = append(wrong, checkTimeZone(f.TimeZone))
	if f.Brand != nil {
		wrong = append(wrong, checkBrand(*f.Brand))
		text, err := json.Marshal(*f.Brand)
		if err != nil {
			return access.Workspace{}, err
		}
		brand := string(text)
		change.Brand = &brand
	}
	if err := errors.Join(wrong...); err != nil {
		return access.Workspace{}, err
	}
	return c.DB.EditWorkspace(ctx, by, by.WorkspaceID, change)
}

// DeleteWorkspace removes a workspace for every door.
func (c *Control) DeleteWorkspace(ctx context.Context, by access.Actor, publicID string) error {
	w, err := c.DB.WorkspaceByPublicID(ctx, publicID)
	if err != nil {
		return err
	}
	if !by.May(access.RunInstance) && (w.ID != by.WorkspaceID || !by.May(access.ChangeWorkspace)) {
		return by.Must(access.RunInstance)
	}
	return c.DB.DeleteWorkspace(ctx, by, w.ID)
}

// checkTimeZone takes the name of a zone that exists; "Local" would follow the
// machine and is none.
func checkTimeZone(name *string) error {
	if name == nil || *name == "" {
		return nil
	}
	if _, err := time.LoadLocation(*name); err != nil || *name == "Local" {
		return access.Fail(access.Invalid, "time_zone_unknown", "There is no time zone %q. Write one like Europe/Berlin or Asia/Shanghai.", *name).At("time_zone")
	}
	return nil
}

// WorkspaceNamed finds a workspace for the shell: by public id or name, or "" for
// the only one.
func (c *Control) WorkspaceNamed(ctx context.Context, by access.Actor, text string) (access.Workspace, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Workspace{}, err
	}
	if text != "" {
		if w, err := c.DB.WorkspaceByPublicID(ctx, strings.ToLower(text)); access.KindOf(err) != access.NotFound {
			return w, err
		}
	}
	rows, err := c.DB.Workspaces(ctx, db.Page{Query: text, Limit: db.ListMax})
	if err != nil {
		return access.Workspace{}, err
	}
	if text != "" {
		rows = slices.DeleteFunc(rows, func(w access.Workspace) bool { return fold(w.Name) != fold(text) })
	}
	switch {
	case len(rows) == 1:
		return rows[0], nil
	case len(rows) > 1:
		return access.Workspace{}, access.Fail(access.Invalid, "workspace_which", "There are several such workspaces. Name one by its id.").At("workspace")
	}
	return access.Workspace{}, unknownWorkspace()
}
