package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-roq/roq"
)

// A form sends the valid inputs, and shows what is wrong with each of the others.
func ExampleWithSkipInvalid() {
	srv, client, ann := acme()
	defer srv.Close()

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve@"}, {Email: "BOB@example.com"}, {Email: "ann@acme.example"}},
	}, roq.WithSkipInvalid())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(sent.Success), "sent")
	for _, refused := range sent.Errors {
		if wrong := (*roq.Error)(nil); errors.As(refused, &wrong) { // not valid, so that it was not sent
			for _, f := range wrong.Findings {
				fmt.Printf("line %d: %s %s\n", f.Index+1, f.Field, f.Reason)
			}
			continue
		}
		fmt.Printf("line %d: %s\n", refused.Index+1, refused.Message)
	}
	// Output:
	// 1 sent
	// line 2: Email must be one e-mail address without a name, quotes or spaces
	// line 3: Email must not be the address of UserInvites[0]
	// line 4: the tenant has a user with this email
}

// One loop over all inputs, in input order.
func ExampleSendUserInvitesResult_Outcomes() {
	srv, client, ann := acme()
	defer srv.Close()

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "ann@acme.example"}, {Email: "bob@example.com"}, {Email: "eve@"}},
	}, roq.WithSkipInvalid())
	if err != nil {
		log.Print(err) // the outcomes say what was sent all the same
	}
	for _, o := range sent.Outcomes() {
		fmt.Println(o.Index, o.Input.Email, o.Status, errors.Is(o.Err, roq.ErrInvalidInput))
	}
	// Output:
	// 0 ann@acme.example refused false
	// 1 bob@example.com sent false
	// 2 eve@ refused true
}

func ExampleUserInviteError_As() {
	result := roq.SendUserInvitesResult{Errors: []roq.UserInviteError{{Index: 4, Email: "bob@example.com", Code: "USER_ALREADY_INVITED"}}}

	var value roq.UserInviteError
	var pointer *roq.UserInviteError
	fmt.Println(errors.As(result.Err(), &value), value.Index)
	fmt.Println(errors.As(result.Err(), &pointer), pointer.Index)
	// Output:
	// true 4
	// true 4
}
