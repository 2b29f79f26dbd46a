package roq_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// BenchmarkSendUserInvites sends so many invites in one request, to a platform
// that takes them all.
func BenchmarkSendUserInvites(b *testing.B) {
	for _, people := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			input := roq.SendUserInvitesInput{TenantID: tenantID}
			made := make([]string, people)
			for i := range made {
				email := fmt.Sprintf("person%d@example.com", i)
				input.UserInvites = append(input.UserInvites, roq.UserInviteInput{Email: email, FirstName: "Ada", LastName: "Lovelace", Locale: "en-US", Roles: []string{"member"}})
				made[i] = strings.Replace(invite, "wick.john@roq.tech", email, 1)
			}
			answer := `{"data":{"sendUserInvitesV2":{"success":[` + strings.Join(made, ",") + `],"errors":[]}}}`
			token := `{"accessToken":"` + accessToken(time.Hour) + `"}`
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				if strings.HasPrefix(r.URL.Path, "/v01/authorize") {
					_, _ = io.WriteString(w, token)
					return
				}
				_, _ = io.WriteString(w, answer)
			}))
			b.Cleanup(srv.Close)
			cfg := config()
			cfg.PlatformURL = srv.URL
			platform := newClient(b, cfg, roq.WithBatchSize(people)).AsUser(userID)
			b.ReportAllocs()
			for b.Loop() {
				result, err := platform.SendUserInvites(b.Context(), input)
				if err != nil || len(result.Success) != people {
					b.Fatalf("SendUserInvites = %v, want all sent", err)
				}
			}
		})
	}
}
