package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// platformCommand is the argument that makes this program the platforms.
const platformCommand = "platform"

// settings are the flags.
type settings struct {
	quick, write, check, nodejs bool
	slack                       float64
	only                        string
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == platformCommand {
		exit(servePlatforms(os.Stdin, os.Stdout))
		return
	}
	var s settings
	flag.BoolVar(&s.quick, "quick", false, "measure fewer rounds")
	flag.BoolVar(&s.write, "write", false, "write "+reportPath+" (after a full run)")
	flag.BoolVar(&s.check, "check", false, "fail if a bar is missed")
	flag.Float64Var(&s.slack, "slack", 1.25, "with -check, how many times the bar a noisy figure may be")
	flag.StringVar(&s.only, "only", "", "measure only the case with this `name`: "+strings.Join(keys(), ", "))
	flag.BoolVar(&s.nodejs, "nodejs", true, "measure @roq/nodejs too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(s.run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s settings) run(ctx context.Context) error {
	if s.write && (s.quick || s.only != "" || !s.nodejs) {
		return errors.New("-write needs a full run: without -quick, -only and -nodejs=false")
	}
	r, err := s.measure(ctx)
	if err != nil {
		return err
	}
	if s.write {
		if err := r.write(reportPath); err != nil {
			return err
		}
	}
	if s.check {
		return r.checkBars(s.slack)
	}
	return nil
}

// measure measures the cases that are wanted, and prints each when it is done.
func (s settings) measure(ctx context.Context) (r *report, err error) {
	platforms, at, err := startPlatforms(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, platforms.stop()) }()
	r = &report{effort: full}
	if s.quick {
		r.effort = quick
	}
	contenders, err := locals(ctx, at.Fast)
	if err != nil {
		return nil, err
	}
	var node *nodejs
	if s.nodejs {
		if node, r.node, err = startNodejs(ctx, at.Fast); err != nil {
			return nil, fmt.Errorf("@roq/nodejs (tools/bench.sh installs it, -nodejs=false does without): %w", err)
		}
		defer func() { err = errors.Join(err, node.stop()) }()
		contenders = append(contenders, entry{nameNodejs, node})
	}
	for _, c := range callCases() {
		if !s.wants(c.key) {
			continue
		}
		result, err := measureCase(ctx, c, taking(contenders, c), r.effort)
		if err != nil {
			return nil, err
		}
		if node != nil {
			roq := contenders[slices.IndexFunc(contenders, func(x entry) bool { return x.name == nameRoq })]
			if err := result.measureYoung(ctx, roq, at.Fast, r.effort.young); err != nil {
				return nil, err
			}
		}
		r.calls = append(r.calls, result)
		fmt.Print(result)
	}
	if s.wants(firstKey) {
		if r.first, err = measureFirst(ctx, at.Fast, node); err != nil {
			return nil, err
		}
		fmt.Printf("%s: requests for a token: roq %d, bar %d", firstName, r.first.roq, firstTokens)
		if node != nil {
			fmt.Printf("; @roq/nodejs %d", r.first.nodejs)
		}
		fmt.Println()
	}
	for _, c := range wallCases() {
		if !s.wants(c.key) {
			continue
		}
		result, err := measureWall(ctx, c, at.Delayed, r.effort.wall)
		if err != nil {
			return nil, err
		}
		r.walls = append(r.walls, result)
		fmt.Print(result)
	}
	if len(r.bars()) == 0 {
		return nil, fmt.Errorf("there is no case %q", s.only)
	}
	return r, nil
}

func (s settings) wants(key string) bool { return s.only == "" || s.only == key }

// keys are the names that -only takes.
func keys() []string {
	var all []string
	for _, c := range callCases() {
		all = append(all, c.key)
	}
	all = append(all, firstKey)
	for _, c := range wallCases() {
		all = append(all, c.key)
	}
	return all
}

// taking returns those who take part in a case: a larger pool tells only with
// many callers.
func taking(contenders []entry, c callCase) []entry {
	var some []entry
	for _, x := range contenders {
		if x.name != nameRawPool || c.Callers > 1 {
			some = append(some, x)
		}
	}
	return some
}

// checkBars returns an error that names the bars that are missed.
func (r *report) checkBars(slack float64) error {
	var missed []string
	for _, b := range r.bars() {
		if !b.met(slack) {
			missed = append(missed, fmt.Sprintf("%s: %s, bar %s", b.What, b.Got(), b.Limit()))
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("%d bars are missed by more than the slack of %.2f:\n%s", len(missed), slack, strings.Join(missed, "\n"))
	}
	return nil
}
