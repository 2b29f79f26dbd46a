package sqlitequeue_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
	"github.com/go-roq/roq/roqtest"
)

// Two people are invited by a worker, which could be another process. roqtest is the
// platform.
func Example() {
	platform := roqtest.NewServer()
	defer platform.Close()
	tenant := platform.AddTenant("Acme")
	user := platform.AddUser(roqtest.User{Email: "ada@acme.example", TenantID: tenant})
	client, err := roq.New(platform.Config())
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	db, err := sql.Open("sqlite", sqlitequeue.DSN(filepath.Join(dir, "queue.db")))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	if err := sqlitequeue.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	queue, err := sqlitequeue.Open(db)
	if err != nil {
		log.Fatal(err)
	}

	tx, err := db.BeginTx(ctx, nil) // with the rest of what happens
	if err != nil {
		log.Fatal(err)
	}
	campaign := roqriver.Campaign{Name: "spring", TenantID: tenant, UserID: user.ID}
	added, err := queue.InviteTx(ctx, tx, campaign,
		roq.UserInviteInput{Email: "grace@acme.example"}, roq.UserInviteInput{Email: "alan@acme.example"}, roq.UserInviteInput{Email: "nobody"})
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(added.Added, "added,", added.Invalid)

	working, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- queue.Work(working, client) }()
	for {
		status, err := queue.Status(ctx, "spring")
		if err != nil {
			log.Fatal(err)
		}
		if status.Waiting == 0 {
			fmt.Println(status.Sent, "sent,", status.Unknown, "unknown")
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 2 added, [UserInvites[2].Email: must be one e-mail address without a name, quotes or spaces]
	// 2 sent, 0 unknown
	// <nil>
}
