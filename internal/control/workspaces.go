package control

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
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
	return errors.Join(wrong...)
}

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
