package views

import "context"

// menuOf is the address of a row's menu, "" where the script can tell it from
// the link's own.
func menuOf(v RowMenuView) string {
	if v.Menu == v.Href+"/menu" {
		return ""
	}
	return v.Menu
}

func copyTitle(ctx context.Context, name string) string {
	if name == "" {
		return T(ctx, "kit.copy_secret")
	}
	return T(ctx, "kit.copy_key", name)
}
