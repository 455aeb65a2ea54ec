package control

import (
	"context"
	"encoding/base64"

	"latchkey/internal/secret"
)

// passwordKeySetting is where the instance's own RSA key stands, sealed.
const passwordKeySetting = "password_key"

var passwordKeyPlace = secret.Place{Table: "settings", Row: passwordKeySetting, Column: "value"}

// SentPassword returns the password behind a text that may be encrypted under the
// instance's RSA key or one of the operator's; see secret.RSAKeys.Password.
func (c *Control) SentPassword(ctx context.Context, text string) (string, error) {
	keys := c.PasswordKeys
	stored, err := c.DB.FindSetting(ctx, passwordKeySetting)
	if err != nil {
		return "", err
	}
	if stored != "" {
		own, err := c.openPasswordKey(stored)
		if err != nil {
			return "", err
		}
		key, err := secret.ParseRSAKey(own)
		if err != nil {
			return "", err
		}
		keys = keys.With(key)
	}
	return keys.Password(text), nil
}

func (c *Control) openPasswordKey(stored string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return nil, err
	}
	return c.Keys.Open(passwordKeyPlace, sealed)
}

// PasswordPublicKey returns, as PEM, the key under which clients may encrypt the
// passwords that they send. The pair is made when it is first asked for.
func (c *Control) PasswordPublicKey(ctx context.Context) (string, error) {
	stored, err := c.DB.FindSetting(ctx, passwordKeySetting)
	if err == nil && stored == "" {
		stored, err = c.makePasswordKey(ctx)
	}
	if err != nil {
		return "", err
	}
	own, err := c.openPasswordKey(stored)
	if err != nil {
		return "", err
	}
	key, err := secret.ParseRSAKey(own)
	if err != nil {
		return "", err
	}
	return secret.PublicPEM(key)
}

// makePasswordKey makes the pair; of several at once, one is kept.
func (c *Control) makePasswordKey(ctx context.Context) (string, error) {
	own, err := secret.NewRSAKey(c.Random)
	if err != nil {
		return "", err
	}
	sealed, err := c.Keys.Seal(passwordKeyPlace, own)
	if err != nil {
		return "", err
	}
	return c.DB.KeepSetting(ctx, passwordKeySetting, base64.StdEncoding.EncodeToString(sealed))
}
