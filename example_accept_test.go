package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-roq/roq"
)

// The page behind the link in the e-mail. The invitee may not be signed in.
func ExampleRoqPlatform_CheckUserInviteToken() {
	srv, client, ann := acme()
	defer srv.Close()
	sendTo(client.AsUser(ann.ID), ann.TenantID, "bob@example.com")
	token := srv.Outbox()[0].Token // as in the link

	invitation, err := client.AsSuperAdmin().CheckUserInviteToken(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case invitation.Valid:
		fmt.Println("An invitation for", invitation.Email)
	case invitation.Expired:
		fmt.Println("The invitation has expired. Ask for another one.")
	default:
		fmt.Println("No invitation has this link.")
	}
	// Output:
	// An invitation for bob@example.com
}

func ExampleRoqPlatform_AcceptUserInvite() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	sendTo(client.AsUser(ann.ID), ann.TenantID, "bob@example.com")
	token := srv.Outbox()[0].Token // as in the link

	platform := client.AsSuperAdmin()
	accepted, err := platform.AcceptUserInvite(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(accepted.Email, accepted.Status)

	_, err = platform.AcceptUserInvite(ctx, token)
	fmt.Println(errors.Is(err, roq.ErrAlreadyAccepted))
	_, err = platform.AcceptUserInvite(ctx, "another")
	fmt.Println(errors.Is(err, roq.ErrNotFound))
	// Output:
	// bob@example.com accepted
	// true
	// true
}

func ExampleRoqPlatform_InviteRoles() {
	srv, client, ann := acme()
	defer srv.Close()

	roles, err := client.AsUser(ann.ID).InviteRoles(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, role := range roles {
		fmt.Printf("<option value=%q>%s</option>\n", role.Key, role.Name)
	}
	// Output:
	// <option value="admin">Admin</option>
	// <option value="content-creator">Content creator</option>
	// <option value="member">Member</option>
}

func ExampleRoqPlatform_Tenant() {
	srv, client, ann := acme()
	defer srv.Close()

	tenant, err := client.AsUser(ann.ID).Tenant(context.Background(), ann.TenantID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Invite people to", tenant.Name)
	// Output:
	// Invite people to Acme
}
