package roq_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// fromCSV is a stream of the people in a CSV file with the columns email and name.
func fromCSV(r io.Reader) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		rows := csv.NewReader(r)
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(roq.UserInviteInput{}, err)
				return
			}
			if !yield(roq.UserInviteInput{Email: row[0], FirstName: row[1]}, nil) {
				return
			}
		}
	}
}

func ExampleRoqPlatform_SendAllUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	file := strings.NewReader("bob@example.com,Bob\nno address,Nobody\nBob@Example.com,Bob\neve@example.com,Eve\n")

	outcomes := make(map[int]roq.OutcomeStatus)
	for outcome, err := range client.AsUser(ann.ID).SendAllUserInvites(context.Background(), roq.SendAllUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: fromCSV(file),
	}) {
		if err != nil {
			log.Fatal(err)
		}
		outcomes[outcome.Index] = outcome.Status
	}
	fmt.Println(outcomes)
	// Output:
	// map[0:sent 1:refused 2:duplicate 3:sent]
}

// A stream from a slice, or from any other sequence without errors.
func ExampleInputsOf() {
	srv, client, ann := acme()
	defer srv.Close()
	people := []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve@example.com"}}

	in := roq.SendAllUserInvitesInput{TenantID: ann.TenantID, UserInvites: roq.InputsOf(slices.Values(people))}
	sent := 0
	for outcome, err := range client.AsUser(ann.ID).SendAllUserInvites(context.Background(), in) {
		if err != nil {
			log.Fatal(err)
		}
		if outcome.Status == roq.OutcomeSent {
			sent++
		}
	}
	fmt.Println(sent, "sent")
	// Output:
	// 2 sent
}

// A stream from a channel.
func ExampleInputsOf_channel() {
	people := make(chan roq.UserInviteInput, 2)
	people <- roq.UserInviteInput{Email: "bob@example.com"}
	people <- roq.UserInviteInput{Email: "eve@example.com"}
	close(people)

	inputs := roq.InputsOf(func(yield func(roq.UserInviteInput) bool) {
		for in := range people {
			if !yield(in) {
				return
			}
		}
	})
	for in, err := range inputs {
		fmt.Println(in.Email, err)
	}
	// Output:
	// bob@example.com <nil>
	// eve@example.com <nil>
}

// A campaign that was killed is started again with the same journal and the same
// people.
func ExampleWithJournal() {
	srv, client, ann := acme()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "campaign")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	for range 2 {
		file, err := journal.Open(filepath.Join(dir, "spring.journal"))
		if err != nil {
			log.Fatal(err)
		}
		for outcome, err := range client.AsUser(ann.ID).SendAllUserInvites(context.Background(), roq.SendAllUserInvitesInput{
			TenantID:    ann.TenantID,
			UserInvites: fromCSV(strings.NewReader("bob@example.com,Bob\n")),
			Campaign:    "spring",
		}, roq.WithJournal(file)) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(outcome.Status, "just now:", outcome.Invite != nil)
		}
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(srv.Outbox()), "e-mail")
	// Output:
	// sent just now: true
	// sent just now: false
	// 1 e-mail
}

func ExampleWithParallel() {
	srv, client, ann := acme()
	defer srv.Close()
	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve@example.com"}},
	})
	if err != nil || sent.Err() != nil {
		log.Fatal(err, sent.Err())
	}

	// One page at a time, to limit the load on the platform.
	for invite, err := range client.AsUser(ann.ID).AllUserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithParallel(1)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(invite.Email)
	}
	// Output:
	// bob@example.com
	// eve@example.com
}

func ExampleWithRateLimit() {
	srv := roqtest.NewServer()
	defer srv.Close()
	client, err := roq.New(srv.Config(), roq.WithRateLimit(50))
	if err != nil {
		log.Fatal(err)
	}

	// Six requests, including the one for the token.
	begin := time.Now()
	for range 5 {
		if _, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("at least a tenth of a second:", time.Since(begin) >= 100*time.Millisecond)
	// Output:
	// at least a tenth of a second: true
}
