package roqriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
	"github.com/go-roq/roq/roqtest"
)

// Every instance of an application has the page, and every process that works does its
// large sends. roqtest is the platform.
func ExampleQueue_InviteUI() {
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
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := sqlitequeue.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	queue, err := sqlitequeue.Open(db)
	if err != nil {
		log.Fatal(err)
	}

	page, err := inviteui.New(client, inviteui.WithQueue(queue.InviteUI()))
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().Handle("/team/invitations/", http.StripPrefix("/team/invitations", page))
	ended := make(chan error)
	go func() { ended <- queue.Work(ctx, client) }()

	// What the page does when somebody pastes 250 addresses, and then until they are sent.
	sends := queue.InviteUI()
	id, err := sends.Enqueue(ctx, inviteui.Send{TenantID: tenant, UserID: user.ID, UserInvites: people(250)})
	if err != nil {
		log.Fatal(err)
	}
	for {
		report, err := sends.Report(ctx, id)
		if err != nil {
			log.Fatal(err)
		}
		if report.Done {
			fmt.Println(report.Sent, "of", report.Total, "are sent,", len(report.Others), "are not")
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 250 of 250 are sent, 0 are not
	// <nil>
}
