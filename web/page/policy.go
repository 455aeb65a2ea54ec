package page

// Policy is the content security policy of a page: nothing but our own files,
// scripts of this answer's nonce, no frame but those of ancestors ("'none'", or
// the origins that a bot's owner allowed).
func Policy(nonce, ancestors string) string {
	return "default-src 'none'; script-src 'self' 'nonce-" + nonce + "'; style-src 'self'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors " + ancestors
}
