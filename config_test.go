package roq_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

var variables = []string{"ROQ_PLATFORM_URL", "ROQ_ENVIRONMENT_ID", "ROQ_API_KEY", "ROQ_API_URL", "ROQ_BASE_URL", "ROQ_WEBHOOK_KEY", "ROQ_PREVIOUS_WEBHOOK_KEY", "ROQ_SESSION_MAX_AGE"}

func setenv(t *testing.T, values map[string]string) {
	t.Helper()
	for _, name := range variables {
		t.Setenv(name, values[name])
	}
}

func TestConfigFromEnv(t *testing.T) {
	setenv(t, map[string]string{
		"ROQ_PLATFORM_URL": "https://mars-pp.roq-platform.com/", "ROQ_ENVIRONMENT_ID": environmentID, "ROQ_API_KEY": apiKey,
		"ROQ_API_URL": "https://api.example", "ROQ_BASE_URL": "http://localhost:3000", "ROQ_WEBHOOK_KEY": "hook", "ROQ_PREVIOUS_WEBHOOK_KEY": "old", "ROQ_SESSION_MAX_AGE": "3600",
	})
	got, err := roq.ConfigFromEnv()
	want := roq.Config{
		PlatformURL: "https://mars-pp.roq-platform.com/", EnvironmentID: environmentID, APIKey: apiKey,
		APIURL: "https://api.example", AppURL: "http://localhost:3000", WebhookKey: "hook", PreviousWebhookKey: "old", SessionMaxAge: time.Hour,
	}
	if err != nil || got != want {
		t.Errorf("ConfigFromEnv = %v, %v", got, err)
	}
	if _, err := roq.New(got); err != nil {
		t.Errorf("New = %v", err)
	}
}

func TestConfigFromEnvNeedsThreeVariables(t *testing.T) {
	setenv(t, map[string]string{"ROQ_PLATFORM_URL": "https://platform.example", "ROQ_ENVIRONMENT_ID": environmentID, "ROQ_API_KEY": apiKey})
	if _, err := roq.ConfigFromEnv(); err != nil {
		t.Errorf("ConfigFromEnv = %v", err)
	}
}

func TestConfigFromEnvNamesEveryVariable(t *testing.T) {
	setenv(t, nil)
	_, err := roq.ConfigFromEnv()
	want := "roq: ROQ_PLATFORM_URL: must not be empty\nroq: ROQ_ENVIRONMENT_ID: must not be empty\nroq: ROQ_API_KEY: must not be empty"
	if err == nil || err.Error() != want {
		t.Errorf("ConfigFromEnv = %v, want\n%s", err, want)
	}
	for _, age := range []string{"0", "-1", "1.5", "30d", "99999999999"} {
		setenv(t, map[string]string{
			"ROQ_PLATFORM_URL": "mars.example", "ROQ_ENVIRONMENT_ID": "a:b", "ROQ_API_KEY": "s3cret\n",
			"ROQ_API_URL": "https://u:s3cret@api.example", "ROQ_BASE_URL": "/app", "ROQ_WEBHOOK_KEY": "s3cret é", "ROQ_PREVIOUS_WEBHOOK_KEY": "s3cret\t", "ROQ_SESSION_MAX_AGE": age,
		})
		cfg, err := roq.ConfigFromEnv()
		if err == nil || cfg != (roq.Config{}) {
			t.Fatalf("ConfigFromEnv = %v, %v; want an error only", cfg, err)
		}
		for _, name := range variables {
			if !strings.Contains(err.Error(), "roq: "+name+": ") {
				t.Errorf("the error does not name %s:\n%v", name, err)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error repeats a secret:\n%v", err)
		}
	}
}
