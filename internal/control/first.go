package control

import (
	"context"

	"latchkey/internal/access"
)

// setupFinished is the setting that closes the set-up's pages for good.
const setupFinished = "setup_finished"

// SetupFinished reports whether the first admin has gone through the set-up's
// steps, or left them.
func (c *Control) SetupFinished(ctx context.Context) (bool, error) {
	value, err := c.DB.FindSetting(ctx, setupFinished)
	return value == "1", err
}

// FinishSetup closes the set-up's pages.
func (c *Control) FinishSetup(ctx context.Context, by access.Actor) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	return c.DB.SetSetting(ctx, by, setupFinished, "1")
}
