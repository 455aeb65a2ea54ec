package control

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

// Keys of what an admin decides inside the database, beside RegistrationSetting
// and the default price.
const (
	LanguageSetting         = "language"
	PrivateHostsSetting     = "private_hosts"
	RequestRetentionSetting = "request_retention_days"
)

// InstanceSettings is what an admin can decide while the server runs, as it holds
// now: what the environment says wins.
type InstanceSettings struct {
	Registration         string // "open" or "closed"
	RegistrationFixed    bool   // by the environment
	DefaultPrice         access.Price
	PrivateHosts         []string // that admins listed
	OperatorHosts        []string // that the environment lists
	RequestRetentionDays *int64   // nil: for ever
	Language             string
	LanguageFixed        bool  // by the environment
	Version              int64 // of registration, language and retention together
	HostsVersion         int64 // of PrivateHosts
}

// SettingsForm is what an admin sends to change settings. Nil leaves one as it is.
type SettingsForm struct {
	Registration         *string
	Prompt, Completion   *string // the default price, in dollars per 1,000,000 tokens
	PrivateHosts         *[]string
	RequestRetentionDays **int64 // nil inside: for ever
	Language             *string
	Version              int64 // of just the settings that are sent, 0: any
}

// InstanceSettings returns the settings of the instance.
func (c *Control) InstanceSettings(ctx context.Context, by access.Actor) (InstanceSettings, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return InstanceSettings{}, err
	}
	s := InstanceSettings{
		Registration: "closed", RegistrationFixed: c.RegistrationFixed, OperatorHosts: c.Settings.PrivateHosts, LanguageFixed: c.LanguageFixed,
	}
	var err error // the versions first: what changes after is told as a conflict
	if s.Version, err = c.DB.SettingsVersion(ctx, RegistrationSetting, LanguageSetting, RequestRetentionSetting); err != nil {
		return s, err
	}
	if s.HostsVersion, err = c.DB.SettingsVersion(ctx, PrivateHostsSetting); err != nil {
		return s, err
	}
	open, err := c.RegistrationOpen(ctx)
	if err != nil {
		return s, err
	}
	if open {
		s.Registration = "open"
	}
	if s.DefaultPrice, err = c.DefaultPrice(ctx); err != nil {
		return s, err
	}
	if s.Language, err = c.DefaultLanguage(ctx); err != nil {
		return s, err
	}
	if s.RequestRetentionDays, err = c.RequestRetention(ctx); err != nil {
		return s, err
	}
	text, err := c.DB.FindSetting(ctx, PrivateHostsSetting)
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &s.PrivateHosts)
	}
	return s, err
}

// DefaultLanguage is the language for whoever asks for none: the environment's,
// else the one that is stored.
func (c *Control) DefaultLanguage(ctx context.Context) (string, error) {
	stored, err := c.DB.FindSetting(ctx, LanguageSetting)
	if c.LanguageFixed || stored == "" {
		return c.Language, err
	}
	return stored, err
}

// RequestRetention is how many days a row of the request log is kept, nil for
// ever.
func (c *Control) RequestRetention(ctx context.Context) (*int64, error) {
	text, err := c.DB.FindSetting(ctx, RequestRetentionSetting)
	if err != nil || text == "" {
		return nil, err
	}
	days, err := strconv.ParseInt(text, 10, 64)
	return &days, err
}

// EditInstanceSettings changes the settings that the form names, in one fact. A
// setting that the environment decides is stored and holds once that is gone.
func (c *Control) EditInstanceSettings(ctx context.Context, by access.Actor, f SettingsForm) (InstanceSettings, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return InstanceSettings{}, err
	}
	values, err := c.checkSettings(f)
	if err != nil {
		return InstanceSettings{}, err
	}
	if err := c.DB.SetSettings(ctx, by, values, f.Version); err != nil {
		return InstanceSettings{}, err
	}
	return c.InstanceSettings(ctx, by)
}

func (c *Control) checkSettings(f SettingsForm) (map[string]string, error) {
	values := map[string]string{}
	var wrong []error
	if f.Registration != nil {
		if *f.Registration != "open" && *f.Registration != "closed" {
			wrong = append(wrong, access.Fail(access.Invalid, "registration_unknown", "Registration is open or closed.").At("registration"))
		}
		values[RegistrationSetting] = *f.Registration
	}
	for _, one := range []struct {
		text       *string
		field, key string
	}{{f.Prompt, "default_price.prompt", db.DefaultPricePrompt}, {f.Completion, "default_price.completion", db.DefaultPriceCompletion}} {
		if one.text == nil {
			continue
		}
		units, err := c.parsePrice(*one.text, one.field)
		wrong = append(wrong, err)
		values[one.key] = strconv.FormatInt(units, 10)
	}
	if f.Language != nil {
		if *f.Language == "" {
			wrong = append(wrong, access.Fail(access.Invalid, "language_unknown", "Choose English or Chinese.").At("language"))
		}
		wrong = append(wrong, checkLanguage(f.Language))
		values[LanguageSetting] = *f.Language
	}
	wrong = append(wrong, checkRetention(f.RequestRetentionDays, values), checkHosts(f.PrivateHosts, values))
	return values, errors.Join(wrong...)
}

func checkRetention(days **int64, values map[string]string) error {
	switch {
	case days == nil:
	case *days == nil:
		values[RequestRetentionSetting] = ""
	case **days < 1 || **days > RetentionMax:
		return access.Fail(access.Invalid, "request_retention_range", "The request log is kept for 1 to %d days, or for ever.", RetentionMax).
			At("request_retention_days")
	default:
		values[RequestRetentionSetting] = strconv.FormatInt(**days, 10)
	}
	return nil
}

func checkHosts(hosts *[]string, values map[string]string) error {
	if hosts == nil {
		return nil
	}
	entries := compact(*hosts)
	if len(entries) > access.AddressesMax {
		return access.Fail(access.Invalid, "addresses_too_many", "At most %d addresses fit in one list.", access.AddressesMax).At("private_hosts")
	}
	if err := upstream.CheckPrivateHosts(entries); err != nil {
		return err
	}
	text, err := json.Marshal(entries)
	values[PrivateHostsSetting] = string(text)
	return err
}
