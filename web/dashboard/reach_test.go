package dashboard_test

import (
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// What has no reach says so as a person would, on its page, in the question and for
// many rows at once: nobody reads of 0 links.
func TestNothingStops(t *testing.T) {
	s := newSite(t)
	share, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Name: new("Quiet"), Bot: &s.Bot.PublicID})
	s.must(err)
	made, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: new("quiet")})
	s.must(err)
	token, link, customer := "/tokens/"+s.Token(t, control.TokenForm{Name: new("Quiet")}).Row.PublicID, "/shares/"+share.Row.PublicID, "/customers/"+made.Row.PublicID
	english := s.reader(access.Owner)
	chinese := *english
	chinese.lang = "zh"
	for _, c := range []struct{ path, english, chinese string }{
		{customer, "Nothing of theirs is in use now; no questions today.", "目前没有正在使用的内容；今日提问：无。"},
		{customer, "Nobody is signed in with it now.", "目前无人登录此账号。"},
		{customer, "There are no conversations.", "没有对话。"},
		{customer + "/delete", "No links, no sign-ins, no questions today.", "没有链接，没有登录，今日提问：无。"},
		{link + "/revoke", "No customers, no questions today.", "没有客户，今日提问：无。"},
		{token + "/revoke", "No calls in the last 24 hours.", "最近 24 小时内没有调用。"},
		{token, "No calls in the last 24 hours.", "最近 24 小时内没有调用。"},
	} {
		english.get(c.path).want(t, 200, c.english)
		chinese.get(c.path).want(t, 200, c.chinese)
	}
	english.post("/customers/bulk/delete", "id", made.Row.PublicID).want(t, 200, "No links, no sign-ins, no questions today.")
	english.post("/shares/bulk/revoke", "id", share.Row.PublicID).want(t, 200, "No customers, no questions today.")

	_, err = s.DB.OpenShare(t.Context(), share.Row.ID, made.Row.ID, s.Workspace.Location())
	s.must(err)
	english.get(customer).want(t, 200, "Stops 1 link; no questions today. Conversations stay.")
	chinese.get(customer).want(t, 200, "停止 1 个链接；今日提问：无。对话保留。")
}
