package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/go-roq/roq"
)

func ExampleRoqPlatform_SendUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID: ann.TenantID,
		UserInvites: []roq.UserInviteInput{
			{Email: "bob@example.com", FirstName: "Bob", Locale: "en-US", Roles: []string{"member"}},
			{Email: "ann@acme.example"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, invite := range sent.Success {
		fmt.Println("sent to", invite.Email)
	}
	for _, refused := range sent.Errors {
		fmt.Println("refused:", refused.Email, errors.Is(refused, roq.ErrAlreadyExists))
	}
	// Output:
	// sent to bob@example.com
	// refused: ann@acme.example true
}

// The whole input is checked before anything is sent.
func ExampleRoqPlatform_SendUserInvites_invalidInput() {
	srv, client, ann := acme()
	defer srv.Close()

	_, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "Eve <eve@example.com>"}, {Email: "BOB@example.com"}},
	})
	fmt.Println(errors.Is(err, roq.ErrInvalidInput), errors.Is(err, roq.ErrNotSent), len(srv.Outbox()))
	fmt.Println(err)
	// Output:
	// true true 0
	// roq: sendUserInvites: UserInvites[1].Email: must be one e-mail address without a name, quotes or spaces; UserInvites[2].Email: must not be the address of UserInvites[0]; nothing was sent
}

func ExampleSendUserInvitesResult_Err() {
	srv, client, ann := acme()
	defer srv.Close()

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "ann@acme.example"}},
	})
	// One error for a request that failed and for everybody who was refused.
	if err := errors.Join(err, sent.Err()); err != nil {
		fmt.Println(err)
		fmt.Println(errors.Is(err, roq.ErrAlreadyExists))
	}
	// Output:
	// roq: user invite refused: the tenant has a user with this email (USER_ALREADY_EXISTS)
	// true
}

func ExampleUserInviteError() {
	refused := roq.UserInviteError{Email: "bob@example.com", Code: "USER_ALREADY_INVITED", Message: "the email has a pending invite"}

	fmt.Println(errors.Is(refused, roq.ErrAlreadyInvited))
	fmt.Println(refused) // without the address, which is in refused.Email
	// Output:
	// true
	// roq: user invite refused: the email has a pending invite (USER_ALREADY_INVITED)
}

func ExampleRoqPlatform_UserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.com")

	page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{
		Limit: 2,
		Order: &roq.UserInviteOrder{Sort: roq.SortEmail, Order: roq.Descending},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, invite := range page.Data {
		fmt.Println(invite.Email, invite.Status)
	}
	fmt.Println(len(page.Data), "of", page.TotalCount)
	// Output:
	// joe@example.com pending
	// eve@example.com pending
	// 2 of 3
}

func ExampleStatusIn() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.com")
	if _, err := platform.CancelUserInvite(ctx, made[1].ID); err != nil {
		log.Fatal(err)
	}

	// Everybody who has not accepted yet and still can.
	open := roq.UserInviteFilter{Status: roq.StatusIn(roq.StatusPending, roq.StatusExpired)}
	for invite, err := range platform.AllUserInvites(ctx, roq.UserInvitesQuery{Filter: open}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(invite.Email, invite.Status)
	}
	// Output:
	// bob@example.com pending
	// joe@example.com pending
}

func ExampleRoqPlatform_AllUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.org")

	query := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{
		Status: &roq.StringFilter{EqualTo: string(roq.StatusPending)},
		Email:  &roq.StringFilter{ILike: "%@example.com"},
	}}
	for invite, err := range platform.AllUserInvites(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(invite.Email, invite.Status)
	}
	// Output:
	// bob@example.com pending
	// eve@example.com pending
}

func ExampleRoqPlatform_UserInvite() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com")

	invite, err := platform.UserInvite(ctx, made[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(invite.Email, invite.Status)

	_, err = platform.UserInvite(ctx, "db7a682d-6dca-4259-b15b-83aef12d1f5c")
	fmt.Println(errors.Is(err, roq.ErrNotFound))
	// Output:
	// bob@example.com pending
	// true
}

func ExampleRoqPlatform_ResendUserInvite() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com")

	again, err := platform.ResendUserInvite(context.Background(), made[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Email, "was mailed", len(srv.Outbox()), "times")
	// Output:
	// bob@example.com was mailed 2 times
}

func ExampleRoqPlatform_CancelUserInvite() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com")

	gone, err := platform.CancelUserInvite(ctx, made[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(gone.Email, gone.Status)

	if _, err := srv.Accept(srv.Outbox()[1].Token); err != nil { // Eve is quicker
		log.Fatal(err)
	}
	_, err = platform.CancelUserInvite(ctx, made[1].ID)
	fmt.Println(errors.Is(err, roq.ErrAlreadyAccepted))
	// Output:
	// bob@example.com canceled
	// true
}

func ExampleUserInviteFilter() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.org")

	page, err := platform.UserInvites(context.Background(), roq.UserInvitesQuery{
		Filter: roq.UserInviteFilter{
			// Every condition must hold.
			ID:     &roq.IDFilter{NotEqualTo: made[0].ID},
			Email:  &roq.StringFilter{Like: "%@example.com"},
			Status: &roq.StringFilter{ValueIn: []string{string(roq.StatusPending), string(roq.StatusExpired)}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, invite := range page.Data {
		fmt.Println(invite.Email)
	}
	// Output:
	// eve@example.com
}

func ExampleUserInviteSearch() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	_, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID: ann.TenantID,
		UserInvites: []roq.UserInviteInput{
			{Email: "wick.john@roq.tech", FirstName: "John"}, {Email: "t.justin@roq.tech", FirstName: "Justin"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{
		Search: &roq.UserInviteSearch{Key: roq.SearchFirstName, Value: "just"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Data[0].FirstName, page.TotalCount)
	// Output:
	// Justin 1
}

func ExampleUserInvite() {
	invite := roq.UserInvite{Email: "bob@example.com", Data: json.RawMessage(`{"team":"sales","seats":3}`)}

	// Data is decoded into your own type.
	var data struct {
		Team  string
		Seats int
	}
	if err := json.Unmarshal(invite.Data, &data); err != nil {
		log.Fatal(err)
	}
	fmt.Println(data.Team, data.Seats)
	// Output:
	// sales 3
}

// sendTo invites people for an example that is about something else.
func sendTo(platform *roq.RoqPlatform, tenantID string, emails ...string) []roq.UserInvite {
	in := roq.SendUserInvitesInput{TenantID: tenantID}
	for _, email := range emails {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: email})
	}
	sent, err := platform.SendUserInvites(context.Background(), in)
	if err := errors.Join(err, sent.Err()); err != nil {
		log.Fatal(err)
	}
	return sent.Success
}

func ExampleParseUserInvites() {
	// Text copied from an address book.
	for _, in := range roq.ParseUserInvites(`wick.john@roq.tech, "Justin, Tim" <t.justin@roq.tech>; nobody`) {
		fmt.Printf("%q %q %q, fine: %v\n", in.FirstName, in.LastName, in.Email, in.Validate() == nil)
	}
	// Output:
	// "" "" "wick.john@roq.tech", fine: true
	// "Tim" "Justin" "t.justin@roq.tech", fine: true
	// "" "" "nobody", fine: false
}

func ExampleUserInviteInput_Validate() {
	err := roq.UserInviteInput{Email: "Ann <ann@acme.example>"}.Validate()
	var e *roq.Error
	if errors.As(err, &e) {
		fmt.Println(e.Message)
	}
	// Output:
	// Email: must be one e-mail address without a name, quotes or spaces
}

func ExampleAddressKey() {
	fmt.Println(roq.AddressKey("Ann.Lee@GMail.com"))
	fmt.Println(roq.AddressKey("ann@bücher.example") == roq.AddressKey("Ann@xn--bcher-kva.example"))
	// Output:
	// annlee@gmail.com
	// true
}

// Everybody whose invitation has expired gets it again.
func ExampleRoqPlatform_ResendAllUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.com")
	for _, i := range made[:2] {
		if err := srv.Expire(i.ID); err != nil {
			log.Fatal(err)
		}
	}
	expired := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: roq.StatusIn(roq.StatusExpired)}}
	for outcome, err := range platform.ResendAllUserInvites(context.Background(), expired, roq.WithParallel(1)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcome.Invite.Email, outcome.Status, "and", outcome.Invite.Status)
	}
	// Output:
	// bob@example.com sent and pending
	// eve@example.com sent and pending
}

// Nobody is to join any more.
func ExampleRoqPlatform_CancelAllUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	sendTo(platform, ann.TenantID, "bob@example.com", "eve@example.com")
	canceled := 0
	pending := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: roq.StatusIn(roq.StatusPending)}}
	for outcome, err := range platform.CancelAllUserInvites(context.Background(), pending) {
		switch {
		case err != nil:
			log.Fatal(err) // why it ended early
		case outcome.Err != nil:
			log.Print(outcome.Err) // of one invite
		default:
			canceled++
		}
	}
	fmt.Println(canceled, "invitations were canceled")
	// Output:
	// 2 invitations were canceled
}

// A form shows who was refused, to be corrected.
func ExampleFormatUserInvites() {
	people := roq.ParseUserInvites(`"Wick, John" <wick.john@roq.tech>, Justin`)
	fmt.Println(roq.FormatUserInvites(people))
	// Output:
	// "Wick, John" <wick.john@roq.tech>
	// Justin
}

// A form says who was entered more than once.
func ExampleRepeatedUserInvites() {
	text := "bob@example.com, eve@example.com, Bob@Example.com"
	fmt.Println(len(roq.ParseUserInvites(text)), "people")
	for _, in := range roq.RepeatedUserInvites(text) {
		fmt.Println(in.Email, "is repeated")
	}
	// Output:
	// 2 people
	// Bob@Example.com is repeated
}

// An export that anybody may open.
func ExampleSpreadsheetCell() {
	fmt.Println(roq.SpreadsheetCell("=HYPERLINK(A1)"))
	fmt.Println(roq.SpreadsheetCell("Ann Lee"))
	// Output:
	// '=HYPERLINK(A1)
	// Ann Lee
}
