package db

import (
	"slices"
	"testing"

	"latchkey/internal/access"
)

// A thing that is live is in one workspace; what is deleted is nowhere, and so is
// what is in a workspace that is deleted.
func TestPlaces(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	mei, help := k.customer("mei"), k.share("Help desk", nil)
	b, err := k.FindBot(ctx, k.bot)
	k.must(err)
	places := map[string]func(string) (int64, error){
		b.PublicID:    func(id string) (int64, error) { return k.WorkspaceOfBot(ctx, id) },
		help.PublicID: func(id string) (int64, error) { return k.WorkspaceOfShare(ctx, id) },
		mei.PublicID:  func(id string) (int64, error) { return k.WorkspaceOfCustomer(ctx, id) },
	}
	for id, where := range places {
		if at, err := where(id); err != nil || at != k.workspace {
			t.Errorf("%s is in %d: %v", id, at, err)
		}
		for other := range places {
			if _, err := where(other); other != id && access.KindOf(err) != access.NotFound {
				t.Errorf("another thing's id leads somewhere: %v", err)
			}
		}
	}
	_, err = k.DeleteShare(ctx, k.owner, k.workspace, help.PublicID)
	k.must(err)
	_, err = k.DeleteCustomer(ctx, k.owner, k.workspace, mei.PublicID)
	k.must(err)
	for _, id := range []string{help.PublicID, mei.PublicID} {
		if _, err := places[id](id); access.KindOf(err) != access.NotFound {
			t.Errorf("what was deleted is somewhere: %v", err)
		}
	}
	other, bot := k.newWorkspace("northwind")
	if all, err := k.LiveWorkspaces(ctx); err != nil || !slices.Equal(all, []int64{k.workspace, other}) {
		t.Errorf("workspaces %v %v", all, err)
	}
	gone, err := k.FindBot(ctx, bot)
	k.must(err)
	k.must(k.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE workspaces SET deleted_at = $1 WHERE id = $2", t.now(), other)
		return err
	}))
	if _, err := k.WorkspaceOfBot(ctx, gone.PublicID); access.KindOf(err) != access.NotFound {
		t.Errorf("a bot of a deleted workspace: %v", err)
	}
	if all, err := k.LiveWorkspaces(ctx); err != nil || !slices.Equal(all, []int64{k.workspace}) {
		t.Errorf("workspaces %v %v", all, err)
	}
}

// Whole lists hold one workspace's live rows, newest first.
func TestWholeLists(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	b, err := k.FindBot(ctx, k.bot)
	k.must(err)
	old, revoked, gone := k.share("old", nil), k.share("revoked", nil), k.share("gone", nil)
	_, err = k.RevokeShare(ctx, k.owner, k.workspace, revoked.PublicID, 0)
	k.must(err)
	_, err = k.DeleteShare(ctx, k.owner, k.workspace, gone.PublicID)
	k.must(err)
	links, err := k.SharesOfBot(ctx, k.workspace, b.PublicID)
	k.must(err)
	if len(links) != 2 || links[0].ID != revoked.ID || links[0].RevokedAt.IsZero() || links[1].ID != old.ID {
		t.Errorf("links: %+v", links)
	}
	mei, jonas, left := k.customer("mei"), k.customer("jonas"), k.customer("left")
	_, err = k.DeleteCustomer(ctx, k.owner, k.workspace, left.PublicID)
	k.must(err)
	all, err := k.EveryCustomer(ctx, k.workspace)
	k.must(err)
	if len(all) != 2 || all[0].ID != jonas.ID || all[1].ID != mei.ID {
		t.Errorf("customers: %+v", all)
	}
	other, _ := k.newWorkspace("northwind")
	links, err = k.SharesOfBot(ctx, other, b.PublicID)
	k.must(err)
	if all, err = k.EveryCustomer(ctx, other); err != nil || len(links)+len(all) != 0 {
		t.Errorf("the neighbour sees %v and %v: %v", links, all, err)
	}
}
