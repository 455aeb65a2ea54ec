package control

import "testing"

// A page may say where the master key lies, and names no folder of the host.
func TestKeyOriginNamesNoFolder(t *testing.T) {
	for _, c := range []struct {
		origin, data, name string
		inFile, inData     bool
	}{
		{"/srv/latchkey/secret.key", "/srv/latchkey", "secret.key", true, true},
		{"data/secret.key", "./data", "secret.key", true, true},
		{"/run/credentials/latchkey.service/secret.key", "/srv/latchkey", "secret.key", true, false},
		{"/srv/latchkey/keys/secret.key", "/srv/latchkey", "secret.key", true, false},
		{"LATCHKEY_SECRET_KEY", "/srv/latchkey", "LATCHKEY_SECRET_KEY", false, false},
		{"", "/srv/latchkey", "", false, false},
	} {
		if name, inFile, inData := keyOrigin(c.origin, c.data); name != c.name || inFile != c.inFile || inData != c.inData {
			t.Errorf("%s in %s: %q %v %v", c.origin, c.data, name, inFile, inData)
		}
	}
}
