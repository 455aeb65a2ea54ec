package views

import "net/url"

// signInPath is where the language form of the sign-in comes back to.
func signInPath(next string) string {
	if next == "" {
		return "/login"
	}
	return "/login?next=" + url.QueryEscape(next)
}
