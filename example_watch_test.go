package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func ExampleRoqPlatform_WatchUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com")
	bob, eve := made[0], srv.Outbox()[1]
	onceWatched(srv, func() error { _, err := srv.Accept(eve.Token); return err })

	pending := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: roq.StatusIn(roq.StatusPending)}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for change, err := range platform.WatchUserInvites(ctx, pending, roq.WithInterval(10*time.Millisecond, time.Second)) {
		switch {
		case errors.Is(err, roq.ErrUnavailable), errors.Is(err, roq.ErrRateLimited):
			log.Print(err) // it may pass, and the watch continues
		case err != nil:
			log.Fatal(err)
		case change.Current == nil:
			fmt.Println("an invite was removed")
		default:
			fmt.Println(change.Current.Email, "was", change.PreviousStatus, "and is", change.Current.Status)
			if change.Current.Status == roq.StatusAccepted { // one is enough
				if _, err := platform.CancelUserInvite(ctx, bob.ID); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
	fmt.Println("none is pending any more")
	// Output:
	// eve@example.com was pending and is accepted
	// bob@example.com was pending and is canceled
	// none is pending any more
}

func ExampleRoqPlatform_WaitUserInvite() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com")
	onceWatched(srv, func() error { _, err := srv.Accept(srv.Outbox()[0].Token); return err })

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	invite, err := platform.WaitUserInvite(ctx, made[0].ID, roq.WithInterval(10*time.Millisecond, time.Second))
	if err != nil {
		log.Fatal(err) // the context's error: nothing happened for a minute
	}
	fmt.Println(invite.Email, "is", invite.Status)
	// Output:
	// bob@example.com is accepted
}

func ExampleWithInterval() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	sendTo(platform, ann.TenantID, "bob@example.com")
	onceWatched(srv, func() error { _, err := srv.Accept(srv.Outbox()[0].Token); return err })

	// Somebody is watching a page, so more requests are acceptable.
	often := roq.WithInterval(50*time.Millisecond, 200*time.Millisecond)
	for change, err := range platform.WatchUserInvites(context.Background(), roq.UserInvitesQuery{}, often) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(change.Current.Email, "is", change.Current.Status)
	}
	// Output:
	// bob@example.com is accepted
}

// onceWatched does what somebody else does, when the platform has been asked for
// the invites that there are.
func onceWatched(srv *roqtest.Server, do func() error) {
	listed := func() bool {
		lists := 0
		for _, r := range srv.Requests() {
			if r.Operation == "userInvites" {
				lists++
			}
		}
		return lists > 2 // the two that a watch begins with, and a poll
	}
	go func() {
		for !listed() {
			<-time.After(5 * time.Millisecond)
		}
		if err := do(); err != nil {
			log.Print(err)
		}
	}()
}

// A page is told what happens, by server-sent events for example. A hundred open pages
// cost the platform as many requests as one does.
func ExampleClient_FollowUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	session, err := client.ParseSession(srv.SessionToken(ann.ID)) // of the visitor
	if err != nil {
		log.Fatal(err)
	}
	made := sendTo(client.AsSession(session), ann.TenantID, "bob@example.com")
	onceWatched(srv, func() error { _, err := srv.Accept(srv.Outbox()[0].Token); return err })

	ctx, leave := context.WithCancel(context.Background()) // in a handler, the request's
	defer leave()
	for change := range client.FollowUserInvites(ctx, session, made[0].UpdatedAt) {
		if change.ID == "" {
			fmt.Println("the page has to read the list again")
			continue
		}
		fmt.Println(change.Current.Email, "was", change.PreviousStatus, "and is", change.Current.Status)
		leave()
	}
	// Output:
	// bob@example.com was pending and is accepted
}
