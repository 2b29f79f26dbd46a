package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"text/tabwriter"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqtest"
)

// fleet is a platform, a queue and worker processes.
type fleet struct {
	platform *roqtest.Server
	queue    queue
	where    place
	close    func()
	out      io.Writer
	campaign roqriver.Campaign
	workers  []*exec.Cmd
	kills    int
}

func newFleet(ctx context.Context, where place, out io.Writer) (*fleet, error) {
	q, closeQueue, err := where.open(ctx, true)
	if err != nil {
		return nil, err
	}
	// It takes second invites, so that nothing but the queue keeps people from being
	// mailed twice.
	platform := roqtest.NewServer(roqtest.WithRepeatedInvites())
	platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Delay: 150 * time.Millisecond})
	tenant := platform.AddTenant("Acme")
	user := platform.AddUser(roqtest.User{Email: "ada@acme.example", TenantID: tenant})
	return &fleet{
		platform: platform, queue: q, where: where, out: out,
		close:    func() { platform.Close(); closeQueue() },
		campaign: roqriver.Campaign{Name: "spring", TenantID: tenant, UserID: user.ID},
	}, nil
}

// people makes up n people, a few of whom are not valid or come twice.
func people(n int) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for i := range n {
			one := roq.UserInviteInput{Email: fmt.Sprintf("person%d@acme.example", i)}
			switch i % 1000 {
			case 500:
				one.Email = "nobody"
			case 501:
				one.Email = fmt.Sprintf("PERSON%d@acme.example", i-2)
			}
			if !yield(one, nil) {
				return
			}
		}
	}
}

func (f *fleet) run(ctx context.Context, s *settings) error {
	working, stop := context.WithCancel(ctx)
	defer f.stop(stop)
	for range s.workers {
		if err := f.start(working); err != nil {
			return err
		}
	}
	begin := time.Now()
	added, err := f.queue.Invite(ctx, f.campaign, people(s.people))
	if err != nil {
		return err
	}
	fmt.Fprintf(f.out, "enqueued %d people in %v: %d are not valid, %d came before\n", added.Added, time.Since(begin).Round(time.Millisecond), len(added.Invalid), added.Known)
	if err := f.watch(working, s.kill); err != nil {
		return err
	}
	return f.report(ctx, &added, time.Since(begin))
}

// start starts a worker process.
func (f *fleet) start(ctx context.Context) error {
	cfg := f.platform.Config()
	text, err := json.Marshal(worker{f.where, roqConfig{cfg.PlatformURL, cfg.AppURL, cfg.EnvironmentID, cfg.APIKey}})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	one := exec.CommandContext(ctx, self) //nolint:gosec // this program
	one.Env = append(os.Environ(), workerVariable+"="+string(text))
	one.Stderr = os.Stderr
	one.Cancel = func() error { return one.Process.Signal(os.Interrupt) }
	if err := one.Start(); err != nil {
		return err
	}
	f.workers = append(f.workers, one)
	return nil
}

// stop ends all workers.
func (f *fleet) stop(cancel func()) {
	cancel()
	for _, w := range f.workers {
		_ = w.Wait()
	}
}

// watch prints how far the campaign is until everybody has an outcome, and kills workers.
func (f *fleet) watch(ctx context.Context, kill bool) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		s, err := f.queue.Status(ctx, f.campaign.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(f.out, "%6d sent %6d refused %6d unknown %6d waiting %6.0f a second %3d killed\n", s.Sent, s.Refused, s.Unknown, s.Waiting, s.Rate, f.kills)
		switch {
		case s.State == roqriver.StateStopped:
			return fmt.Errorf("the campaign stopped: %s", s.Reason)
		case s.Waiting == 0:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-second.C:
		}
		if kill && s.Waiting > (s.Sent+s.Waiting)/10 { // those who are left do the rest
			i := rand.IntN(len(f.workers))
			_ = f.workers[i].Process.Kill()
			_ = f.workers[i].Wait()
			f.workers = append(f.workers[:i], f.workers[i+1:]...)
			f.kills++
			if err := f.start(ctx); err != nil {
				return err
			}
		}
	}
}

// report prints the table, from what the platform mailed and what the queue says.
func (f *fleet) report(ctx context.Context, added *roqriver.Enqueued, took time.Duration) error {
	mails, twice := map[string]int{}, 0
	for _, mail := range f.platform.Outbox() {
		if mails[mail.To]++; mails[mail.To] == 2 {
			twice++
		}
	}
	counts := map[roq.OutcomeStatus]int{}
	for o, err := range f.queue.Outcomes(ctx, f.campaign.Name) {
		if err != nil {
			return err
		}
		counts[o.Status]++
	}
	lost := added.Added - counts[roq.OutcomeSent] - counts[roq.OutcomeRefused] - counts[roq.OutcomeUnknown]
	table := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name string
		n    int
	}{
		{"mailed", len(mails)}, {"refused", counts[roq.OutcomeRefused]}, {"not valid", len(added.Invalid)}, {"duplicates", added.Known},
		{"unknown", counts[roq.OutcomeUnknown]}, {"lost", lost}, {"mailed twice", twice}, {"workers killed", f.kills},
	} {
		fmt.Fprintf(table, "%s\t%d\t\n", row.name, row.n)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(f.out, "in %v\n", took.Round(100*time.Millisecond))
	if twice > 0 || lost != 0 {
		return fmt.Errorf("%d people were mailed twice, and %d have no outcome", twice, lost)
	}
	return nil
}
