package chaos_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/go-roq/roq"
)

// victim is set in the environment of the process that is killed.
const victim = "ROQ_CHAOS_VICTIM"

// TestVictim is that process: it sends one invite and never sees the answer.
func TestVictim(t *testing.T) {
	tenantID := os.Getenv(victim)
	if tenantID == "" {
		t.Skip("runs in a process of its own: see TestKilledBeforeTheAnswer")
	}
	client, err := roq.New(must(roq.ConfigFromEnv()), roq.WithTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.AsUser(os.Getenv(victim+"_USER")).SendUserInvites(t.Context(), roq.SendUserInvitesInput{
		TenantID: tenantID, UserInvites: []roq.UserInviteInput{{Email: "victim@chaos.example"}},
	})
	t.Fatalf("the process outlived its killing: %v", err)
}

// A process that is killed between sending and the answer leaves nothing worse
// than an invite that a later list shows.
func TestKilledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for name, mailed := range map[string]int{"before it was processed": 0, "after it was processed": 1} {
		arrived := make(chan struct{})
		s := newScene(cell{operation: opSend, when: every, callers: 1, fault: &fault{serve: func(x *exchange) {
			if mailed == 1 {
				x.process()
			}
			close(arrived)
			x.hang()
		}}}, true)
		s.backend.gate.armed.Store(true)

		process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
		process.Env = append(os.Environ(), victim+"="+s.user.TenantID, victim+"_USER="+s.user.ID,
			"ROQ_PLATFORM_URL="+s.config.PlatformURL, "ROQ_ENVIRONMENT_ID="+s.config.EnvironmentID, "ROQ_API_KEY="+s.config.APIKey)
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		_ = process.Process.Kill()
		_ = process.Wait()

		s.backend.gate.armed.Store(false)
		client := must(roq.New(s.config))
		page, err := client.AsUser(s.user.ID).UserInvites(context.Background(), roq.UserInvitesQuery{
			Filter: roq.UserInviteFilter{Email: &roq.StringFilter{EqualTo: "victim@chaos.example"}},
		})
		if err != nil || page.TotalCount != mailed {
			t.Errorf("killed %s: the list shows %+v, %v; want %d", name, page, err, mailed)
		}
		if n := s.ledger.read().invited["victim@chaos.example"]; n != mailed {
			t.Errorf("killed %s: %d e-mails, want %d", name, n, mailed)
		}
		client.CloseIdleConnections()
		s.close()
	}
}
