// Package e2e proves the main flows on the real binary with a real Chromium. It
// holds only tests: harness_test.go starts the server and the browsers.
package e2e
