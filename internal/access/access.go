// Package access holds Latchkey's words: the nouns that every other room speaks
// of, the pure rules about them, and the kinds in which things can fail.
//
// It promises that a rule has one home: whether a token is usable, what a role
// may do, what an answer costs, is decided here and nowhere else, from values
// alone. It does no I/O, reads no clock, takes no context and imports only the
// standard library: time and randomness are handed in.
//
// Start with token.go for the thing most of the house is about, role.go for who
// may do what, money.go for what things cost, errors.go for how things fail.
package access
