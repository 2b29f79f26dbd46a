package roq

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/redact"
)

// defaultSessionMaxAge is the platform's (npm @roq/nextjs 2.0.3).
const defaultSessionMaxAge = 30 * 24 * time.Hour

// maxSessionMaxAge keeps the sum of a time and the age far from overflow.
const maxSessionMaxAge = 100 * 365 * 24 * time.Hour

// Config says which platform and environment a [Client] works with. It prints,
// logs and marshals without its secrets. The exception is a value in an unexported
// field of another struct, where fmt cannot call its methods. Keep a pointer there:
// %v, %+v and %#v print only the memory address of a pointer.
//
// URLs must be https://, or http:// to this machine (see [WithInsecureHTTP]),
// without a user name, query or fragment. A trailing slash is allowed.
type Config struct {
	// PlatformURL is the address of the ROQ platform. Required.
	PlatformURL string
	// EnvironmentID is the id of the project's environment. Required.
	EnvironmentID string
	// APIKey is the environment's key. Sessions are signed with it too. Required.
	APIKey string
	// APIURL is the address of the environment's REST API. [Client.FindUsers] needs
	// it.
	APIURL string
	// AppURL is the application's own address, as its visitors see it.
	// [Client.FetchSession] and the sign-in URLs need it.
	AppURL string
	// WebhookKey is the key that the platform's webhooks carry.
	WebhookKey string
	// PreviousWebhookKey is the key that WebhookKey replaces. Webhooks may carry it
	// too, until the platform sends only the new one. It may be empty.
	PreviousWebhookKey string
	// SessionMaxAge is the maximum age of a session, from when it was issued.
	// Zero means 30 days, the platform's default.
	SessionMaxAge time.Duration
}

// ConfigFromEnv reads the environment variables that ROQ's own clients use:
// ROQ_PLATFORM_URL, ROQ_ENVIRONMENT_ID and ROQ_API_KEY, which are required, and
// ROQ_API_URL, ROQ_BASE_URL (the application's address), ROQ_WEBHOOK_KEY and
// ROQ_SESSION_MAX_AGE (whole seconds). ROQ_PREVIOUS_WEBHOOK_KEY, the webhook key that
// is being replaced, is specific to this package. The error names every variable that
// is missing or malformed.
//
// Nothing else in this package reads ROQ variables from the environment.
func ConfigFromEnv() (Config, error) {
	cfg := Config{
		PlatformURL:   os.Getenv("ROQ_PLATFORM_URL"),
		EnvironmentID: os.Getenv("ROQ_ENVIRONMENT_ID"),
		APIKey:        os.Getenv("ROQ_API_KEY"),
		APIURL:        os.Getenv("ROQ_API_URL"),
		AppURL:        os.Getenv("ROQ_BASE_URL"),
		WebhookKey:    os.Getenv("ROQ_WEBHOOK_KEY"),

		PreviousWebhookKey: os.Getenv("ROQ_PREVIOUS_WEBHOOK_KEY"),
	}
	var problems []error
	if s := os.Getenv("ROQ_SESSION_MAX_AGE"); s != "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds < 1 || seconds > int64(maxSessionMaxAge/time.Second) {
			problems = append(problems, errors.New("roq: ROQ_SESSION_MAX_AGE: must be a whole number of seconds, from 1 second to 100 years"))
		} else {
			cfg.SessionMaxAge = time.Duration(seconds) * time.Second
		}
	}
	for _, p := range cfg.problems() {
		problems = append(problems, fmt.Errorf("roq: %s: %w", p.variable, p.err))
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// problem is one thing that is wrong with a Config.
type problem struct {
	field, variable string
	err             error
}

// problems returns what is wrong with cfg, whatever the options are.
func (cfg Config) problems() []problem {
	var found []problem
	add := func(field, variable string, err error) {
		if err != nil {
			found = append(found, problem{field, variable, err})
		}
	}
	url := func(field, variable, value string, required bool) {
		if value != "" || required {
			_, err := check.BaseURL(value)
			add(field, variable, err)
		}
	}
	url("PlatformURL", "ROQ_PLATFORM_URL", cfg.PlatformURL, true)
	add("EnvironmentID", "ROQ_ENVIRONMENT_ID", check.EnvironmentID(cfg.EnvironmentID))
	add("APIKey", "ROQ_API_KEY", check.Secret(cfg.APIKey))
	url("APIURL", "ROQ_API_URL", cfg.APIURL, false)
	url("AppURL", "ROQ_BASE_URL", cfg.AppURL, false)
	if cfg.WebhookKey != "" {
		add("WebhookKey", "ROQ_WEBHOOK_KEY", check.Secret(cfg.WebhookKey))
	}
	if cfg.PreviousWebhookKey != "" {
		add("PreviousWebhookKey", "ROQ_PREVIOUS_WEBHOOK_KEY", check.Secret(cfg.PreviousWebhookKey))
	}
	if cfg.SessionMaxAge < 0 || cfg.SessionMaxAge > maxSessionMaxAge {
		add("SessionMaxAge", "ROQ_SESSION_MAX_AGE", errors.New("must be from 0 to 100 years"))
	}
	return found
}

// prepare returns cfg with its defaults and without trailing slashes, or an
// error that names every field that is wrong.
func (cfg Config) prepare(insecureHTTP bool) (Config, error) {
	var problems []error
	for _, p := range cfg.problems() {
		problems = append(problems, fmt.Errorf("roq: Config.%s: %w", p.field, p.err))
	}
	for _, address := range []struct {
		field string
		value *string
	}{{"PlatformURL", &cfg.PlatformURL}, {"APIURL", &cfg.APIURL}, {"AppURL", &cfg.AppURL}} {
		base, err := check.BaseURL(*address.value)
		if err != nil {
			continue // empty, or among the problems
		}
		if !insecureHTTP && !check.Confidential(base) {
			problems = append(problems, fmt.Errorf("roq: Config.%s: must be https, or http to this machine (WithInsecureHTTP allows any http)", address.field))
		}
		*address.value = base
	}
	if cfg.SessionMaxAge == 0 {
		cfg.SessionMaxAge = defaultSessionMaxAge
	}
	return cfg, errors.Join(problems...)
}

// redacted returns cfg without its secrets, as a type that has no methods. An
// address is masked if it may hold a password, which New would refuse.
func (cfg Config) redacted() any {
	type config Config
	for _, address := range []*string{&cfg.PlatformURL, &cfg.APIURL, &cfg.AppURL} {
		if _, err := check.BaseURL(*address); err != nil {
			*address = redact.Mask(*address)
		}
	}
	cfg.APIKey = redact.Mask(cfg.APIKey)
	cfg.WebhookKey = redact.Mask(cfg.WebhookKey)
	cfg.PreviousWebhookKey = redact.Mask(cfg.PreviousWebhookKey)
	return config(cfg)
}

// Format implements [fmt.Formatter]: no verb prints a secret.
func (cfg Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, cfg.redacted()) }

// MarshalJSON implements [json.Marshaler] without the secrets.
func (cfg Config) MarshalJSON() ([]byte, error) { return json.Marshal(cfg.redacted()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (cfg Config) LogValue() slog.Value { return slog.AnyValue(cfg.redacted()) }
