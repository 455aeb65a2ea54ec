package control

import (
	"context"
	"errors"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// RatioMax is the greatest price ratio of a group.
const RatioMax = 1000

// GroupForm is what an admin sends to create or edit a group. Nil leaves a field
// as it is, or at its default when creating.
type GroupForm struct {
	Name, Description *string
	Ratio             *string // decimal number
	RPM, TPM          *int64
	Models            *[]string
	AllModels         *bool
	Enabled           *bool
	Version           int64
}

// Groups lists the groups of the instance with what they reach.
func (c *Control) Groups(ctx context.Context, by access.Actor) ([]db.GroupRow, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, err
	}
	return c.DB.Groups(ctx)
}

// GroupChoices lists the names of the enabled groups, for a list to choose from.
func (c *Control) GroupChoices(ctx context.Context, by access.Actor) ([]string, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.GroupNames(ctx)
}

// OpenGroups lists the enabled groups, for whoever chooses one by what it costs.
func (c *Control) OpenGroups(ctx context.Context, by access.Actor) ([]access.Group, error) {
	if !nowhere(by) {
		if err := by.Must(access.SeeLists); err != nil {
			return nil, err
		}
	}
	rows, err := c.DB.Groups(ctx)
	var open []access.Group
	for _, r := range rows {
		if r.Enabled {
			open = append(open, r.Group)
		}
	}
	return open, err
}

// Group returns one group.
func (c *Control) Group(ctx context.Context, by access.Actor, publicID string) (db.GroupRow, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return db.GroupRow{}, err
	}
	return c.DB.Group(ctx, publicID)
}

// CreateGroup adds a group: ratio 1, all models and no limits unless told.
func (c *Control) CreateGroup(ctx context.Context, by access.Actor, f GroupForm) (db.GroupRow, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return db.GroupRow{}, err
	}
	change, err := checkGroup(f, true)
	if err != nil {
		return db.GroupRow{}, err
	}
	g := access.Group{
		PublicID: secret.NewPublicID(c.Random), Name: *change.Name, Description: deref(f.Description), RatioPPM: access.RatioOne,
		RPM: deref(f.RPM), TPM: deref(f.TPM), Models: deref(change.Models), AllModels: change.AllModels == nil || *change.AllModels, Enabled: true,
	}
	if change.RatioPPM != nil {
		g.RatioPPM = *change.RatioPPM
	}
	if f.Enabled != nil {
		g.Enabled = *f.Enabled
	}
	if g, err = c.DB.MakeGroup(ctx, by, g); err != nil {
		return db.GroupRow{}, err
	}
	return c.DB.Group(ctx, g.PublicID)
}

// EditGroup changes the fields that the form names.
func (c *Control) EditGroup(ctx context.Context, by access.Actor, publicID string, f GroupForm) (db.GroupRow, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return db.GroupRow{}, err
	}
	change, err := checkGroup(f, false)
	if err != nil {
		return db.GroupRow{}, err
	}
	if err := c.DB.EditGroup(ctx, by, publicID, change); err != nil {
		return db.GroupRow{}, err
	}
	return c.DB.Group(ctx, publicID)
}

// DeleteGroup removes a group that nothing uses.
func (c *Control) DeleteGroup(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	return c.DB.DeleteGroup(ctx, by, publicID)
}

func checkGroup(f GroupForm, creating bool) (db.GroupChange, error) {
	change := db.GroupChange{
		Description: f.Description, RPM: f.RPM, TPM: f.TPM, AllModels: f.AllModels, Enabled: f.Enabled, Version: f.Version,
	}
	var wrong []error
	if f.Name != nil || creating {
		name, err := checkName(deref(f.Name), "name")
		wrong = append(wrong, err)
		change.Name = &name
	}
	wrong = append(wrong, checkText(deref(f.Description), "description", access.NoteMax))
	if f.Ratio != nil {
		ppm, err := access.ParseDecimal(*f.Ratio, access.RatioOne)
		if err != nil || ppm > RatioMax*access.RatioOne {
			wrong = append(wrong, access.Fail(access.Invalid, "ratio_range",
				"A price ratio is a number from 0 to %d with at most six decimals, such as 0.8.", RatioMax).At("ratio").Because(err))
		}
		change.RatioPPM = &ppm
	}
	if f.Models != nil {
		models := compact(*f.Models)
		if len(models) > access.ModelsMax {
			wrong = append(wrong, access.Fail(access.Invalid, "models_too_many", "At most %d models fit in one list.", access.ModelsMax).At("models"))
		}
		change.Models = &models
		if f.AllModels == nil {
			limited := false
			change.AllModels = &limited
		}
	}
	for _, n := range []struct {
		value *int64
		field string
	}{{f.RPM, "rpm"}, {f.TPM, "tpm"}} {
		if n.value != nil && (*n.value < 0 || *n.value > access.UnitsMax) {
			wrong = append(wrong, access.Fail(access.Invalid, "number_range", "This is a whole number from 0 (no limit) up.").At(n.field))
		}
	}
	return change, errors.Join(wrong...)
}
