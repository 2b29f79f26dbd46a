// Quickstart sends, lists, resends, accepts and cancels invitations, and prints
// each step.
//
// Without ROQ_PLATFORM_URL in the environment it starts its own platform:
//
//	go run ./examples/quickstart
//
// With ROQ_PLATFORM_URL, ROQ_ENVIRONMENT_ID and ROQ_API_KEY it uses that platform,
// and asks before it sends. The inviter is the visitor whose session token is in
// ROQ_SESSION_TOKEN, or the user -user in the tenant -tenant, or, if ROQ_API_URL is
// set, the user with the address -as:
//
//	go run ./examples/quickstart -as ann@acme.example -email bob@example.com,eve@example.com
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-roq/roq"
)

// flags are what a run on a real platform needs to know.
type flags struct {
	emails, as, user, tenant string
	yes                      bool
}

func main() {
	var f flags
	flag.StringVar(&f.emails, "email", "", "e-mail addresses to invite, separated by commas")
	flag.StringVar(&f.as, "as", "", "the inviter's e-mail address (needs ROQ_API_URL)")
	flag.StringVar(&f.user, "user", "", "the inviter's roqUserId")
	flag.StringVar(&f.tenant, "tenant", "", "the inviter's tenantId")
	flag.BoolVar(&f.yes, "yes", false, "send without asking")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdin, os.Stdout, f)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stage is where the tour takes place.
type stage struct {
	platform *roq.RoqPlatform
	tenantID string
	invitees []roq.UserInviteInput
	// accept does what the invitee does; nil on a platform where that is a person's
	// own affair.
	accept func(inviteID string) error
	close  func()
}

func run(ctx context.Context, in io.Reader, out io.Writer, f flags) error {
	build := embedded
	if os.Getenv("ROQ_PLATFORM_URL") != "" {
		build = remote
	}
	s, err := build(ctx, out, f)
	if err != nil {
		return err
	}
	defer s.close()
	if s.accept == nil && !f.yes {
		if err := confirm(in, out, len(s.invitees)); err != nil {
			return err
		}
	}
	return tour(ctx, out, s)
}

// tour is the platform's guide, step by step.
func tour(ctx context.Context, out io.Writer, s *stage) error {
	step(out, "Send %d invitations in one request", len(s.invitees))
	sent, err := s.platform.SendUserInvites(ctx, roq.SendUserInvitesInput{TenantID: s.tenantID, UserInvites: s.invitees})
	if err != nil {
		return err
	}
	for _, invite := range sent.Success {
		fmt.Fprintf(out, "   sent      %s\n", invite.Email)
	}
	for _, refused := range sent.Errors {
		fmt.Fprintf(out, "   refused   %s: %s (%s)\n", refused.Email, refused.Message, refused.Code)
	}
	if errors.Is(sent.Err(), roq.ErrAlreadyExists) {
		fmt.Fprintln(out, "             errors.Is(sent.Err(), roq.ErrAlreadyExists) is true")
	}
	if len(sent.Success) == 0 {
		return errors.New("nobody could be invited")
	}
	first, last := sent.Success[0], sent.Success[len(sent.Success)-1]

	step(out, "List the pending invitations")
	pending := roq.UserInviteFilter{Status: &roq.StringFilter{EqualTo: string(roq.StatusPending)}}
	page, err := s.platform.UserInvites(ctx, roq.UserInvitesQuery{Filter: pending, Limit: 10})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "   %d of %d\n", len(page.Data), page.TotalCount)

	step(out, "Resend the last invitation")
	again, err := s.platform.ResendUserInvite(ctx, last.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "   resent    %s\n", again.Email)

	if s.accept != nil && len(sent.Success) > 1 {
		step(out, "The first invitee follows the link in the e-mail")
		if err := s.accept(first.ID); err != nil {
			return err
		}
		fmt.Fprintf(out, "   accepted  %s\n", first.Email)
	}

	step(out, "Cancel the last invitation")
	gone, err := s.platform.CancelUserInvite(ctx, last.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "   canceled  %s\n", gone.Email)

	step(out, "Track the status of all invitations")
	return table(ctx, out, s.platform, sent.Success)
}

func table(ctx context.Context, out io.Writer, platform *roq.RoqPlatform, invites []roq.UserInvite) error {
	var ids []string
	for _, invite := range invites {
		ids = append(ids, invite.ID)
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\n   EMAIL\tSTATUS\tROLES\tLOCALE\tCREATED\tSTATUS SINCE")
	query := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{ID: &roq.IDFilter{ValueIn: ids}}}
	for invite, err := range platform.AllUserInvites(ctx, query) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "   %s\t%s\t%s\t%s\t%s\t%s\n", invite.Email, invite.Status, strings.Join(invite.RoleKeys, ", "), invite.Locale,
			invite.CreatedAt.Format(time.TimeOnly), invite.StatusUpdatedAt.Format(time.TimeOnly))
	}
	return w.Flush()
}

func step(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "\n▸ "+format+"\n", args...)
}

// confirm asks before real people get e-mails.
func confirm(in io.Reader, out io.Writer, n int) error {
	fmt.Fprintf(out, "\nThis mails %d people. Continue? [y/N] ", n)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	if strings.ToLower(strings.TrimSpace(answer)) != "y" {
		return errors.New("nothing was sent")
	}
	return nil
}
