package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// temporary is a directory for the examples.
func temporary() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// A campaign that was interrupted resumes with the same journal and the same people:
// those who have an invite do not get another one.
func Example() {
	dir, remove := temporary()
	defer remove()
	srv := roqtest.NewServer()
	defer srv.Close()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	people := func(yield func(roq.UserInviteInput, error) bool) {
		for _, email := range []string{"bob@acme.example", "eve@acme.example", "joe@acme.example"} {
			if !yield(roq.UserInviteInput{Email: email}, nil) {
				return
			}
		}
	}
	for range 2 {
		file, err := journal.Open(filepath.Join(dir, "spring.journal"))
		if err != nil {
			log.Fatal(err)
		}
		in := roq.SendAllUserInvitesInput{TenantID: ann.TenantID, UserInvites: people, Campaign: "spring"}
		for outcome, err := range client.AsUser(ann.ID).SendAllUserInvites(context.Background(), in, roq.WithJournal(file)) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(outcome.Input.Email, outcome.Status)
		}
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(srv.Outbox()), "e-mails")
	// Output:
	// bob@acme.example sent
	// eve@acme.example sent
	// joe@acme.example sent
	// bob@acme.example sent
	// eve@acme.example sent
	// joe@acme.example sent
	// 3 e-mails
}

func ExampleOpen() {
	dir, remove := temporary()
	defer remove()
	path := filepath.Join(dir, "spring.journal")
	file, err := journal.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = file.Close() }()

	_, err = journal.Open(path)
	fmt.Println(errors.Is(err, journal.ErrInUse))
	// Output:
	// true
}

func ExampleFile_Close() {
	dir, remove := temporary()
	defer remove()
	path := filepath.Join(dir, "spring.journal")
	for range 2 {
		file, err := journal.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(file.Close())
	}
	// Output:
	// <nil>
	// <nil>
}

// begun returns a journal that is ready for Append.
func begun(path string) *journal.File {
	file, err := journal.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range file.Begin(context.Background(), "spring") {
		if err != nil {
			log.Fatal(err)
		}
	}
	return file
}

// The stream calls Begin. A program that reads a journal can call it too.
func ExampleFile_Begin() {
	dir, remove := temporary()
	defer remove()
	file := begun(filepath.Join(dir, "spring.journal"))
	defer func() { _ = file.Close() }()
	if err := file.Append(context.Background(), []roq.JournalRecord{{Key: "6dca4259b15b83aef12d1f5cdb7a682d", Status: roq.OutcomeUnderWay, At: time.Now()}}); err != nil {
		log.Fatal(err)
	}
	if err := file.End(); err != nil {
		log.Fatal(err)
	}

	for record, err := range file.Begin(context.Background(), "spring") {
		fmt.Println(record.Key, record.Status, err)
	}
	if err := file.End(); err != nil {
		log.Fatal(err)
	}
	for _, err := range file.Begin(context.Background(), "autumn") {
		fmt.Println(errors.Is(err, journal.ErrCampaign))
	}
	// Output:
	// 6dca4259b15b83aef12d1f5cdb7a682d under way <nil>
	// true
}

func ExampleFile_Append() {
	dir, remove := temporary()
	defer remove()
	file := begun(filepath.Join(dir, "spring.journal"))
	defer func() { _ = file.Close() }()

	at := time.Date(2026, 4, 23, 12, 30, 0, 0, time.UTC)
	fmt.Println(file.Append(context.Background(), []roq.JournalRecord{
		{Key: "6dca4259b15b83aef12d1f5cdb7a682d", Status: roq.OutcomeSent, InviteID: "db7a682d-6dca-4259-b15b-83aef12d1f5c", At: at},
		{Key: "b15b83aef12d1f5cdb7a682d6dca4259", Status: roq.OutcomeRefused, Code: "USER_ALREADY_EXISTS", Message: "the tenant has a user with this email", At: at},
	}))
	// Output:
	// <nil>
}

// The stream calls End. Then another stream can use the File.
func ExampleFile_End() {
	dir, remove := temporary()
	defer remove()
	file := begun(filepath.Join(dir, "spring.journal"))
	defer func() { _ = file.Close() }()

	for _, err := range file.Begin(context.Background(), "spring") {
		fmt.Println(errors.Is(err, journal.ErrInUse))
	}
	fmt.Println(file.End())
	for _, err := range file.Begin(context.Background(), "spring") {
		fmt.Println(err)
	}
	fmt.Println(file.End())
	// Output:
	// true
	// <nil>
	// <nil>
}

func ExampleFile_Repaired() {
	dir, remove := temporary()
	defer remove()
	path := filepath.Join(dir, "spring.journal")
	file := begun(path)
	if err := file.Append(context.Background(), []roq.JournalRecord{{Key: "6dca4259b15b83aef12d1f5cdb7a682d", Status: roq.OutcomeUnderWay, At: time.Now()}}); err != nil {
		log.Fatal(err)
	}
	_ = file.Close()
	// The machine stops in the middle of a record.
	whole, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, "5f0a33c1 [{"...), 0o600); err != nil {
		log.Fatal(err)
	}

	file = begun(path)
	defer func() { _ = file.Close() }()
	fmt.Println(file.Repaired(), "bytes")
	// Output:
	// 11 bytes
}
