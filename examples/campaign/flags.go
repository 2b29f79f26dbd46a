package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/go-roq/roq"
)

const (
	defaultPeople = 10_000
	maxPeople     = 1_000_000
)

// settings are what the flags say.
type settings struct {
	csv, report, journal string
	format               format
	dryRun               bool

	people int
	made   bool // whether -people was given

	platform   bool
	tenant, as string
	options    []roq.Option
}

// parse reads the flags; -help goes to out.
func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("campaign", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what it would print is in its error
	flags.Usage = func() {}
	flags.StringVar(&s.csv, "csv", "", "`file` with the people; without it they are made up")
	flags.BoolVar(&s.dryRun, "dry-run", false, "check every row and send nothing")
	flags.StringVar(&s.report, "report", "", "`file` for the report (default NAME.report.csv beside the CSV file)")
	flags.StringVar(&s.journal, "journal", "", "`file` for the journal (default NAME.journal beside the CSV file)")
	flags.IntVar(&s.people, "people", defaultPeople, "how many people to make up, where the CSV file does not exist")
	flags.BoolVar(&s.platform, "platform", false, "invite on the platform that the environment names")
	flags.StringVar(&s.tenant, "tenant", "", "tenantId to invite to, with -platform")
	flags.StringVar(&s.as, "as", "", "roqUserId of the inviter, or with ROQ_API_URL the e-mail address, with -platform")
	flags.Func("roles", "`roles` of those whose row has none, separated by ; or |", func(text string) error {
		s.format.roles = splitRoles(text)
		return nil
	})
	flags.Func("separator", "`character` between the cells, or tab (default: as the header looks)", func(text string) (err error) {
		s.format.separator, err = parseSeparator(text)
		return err
	})
	flags.Func("map", "columns with names of their own, as in `email=Work_Email,firstName=Vorname`", func(text string) (err error) {
		s.format.mapping, err = parseMapping(text)
		return err
	})
	concurrency := flags.Int("concurrency", 8, "requests under way at once, from 1 to 64")
	batch := flags.Int("batch", 100, "invites in one request, from 1 to 10000")
	rate := flags.Float64("rate", 0, "requests per second at most; 0 means no limit")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
	}
	if err != nil {
		return s, err
	}
	flags.Visit(func(f *flag.Flag) { s.made = s.made || f.Name == "people" })
	s.options = []roq.Option{roq.WithParallel(*concurrency), roq.WithBatchSize(*batch)}
	if *rate != 0 {
		s.options = append(s.options, roq.WithRateLimit(*rate))
	}
	return s, s.check(flags.Args())
}

func (s settings) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: the people are in -csv", rest[0])
	case s.people < 1 || s.people > maxPeople:
		return fmt.Errorf("-people %d: must be from 1 to %d", s.people, maxPeople)
	case s.platform && s.made:
		return errors.New("-people are made up, and are not for a -platform")
	case s.platform && s.csv == "":
		return errors.New("-platform needs -csv")
	case s.platform && !s.dryRun && (s.as == "" || s.tenant == "" && !strings.Contains(s.as, "@")):
		return errors.New("-platform needs -as and -tenant: who invites to which tenant")
	case !s.platform && (s.as != "" || s.tenant != ""):
		return errors.New("-as and -tenant are for a -platform")
	}
	return nil
}

// locate completes the paths, beside the CSV file.
func (s *settings) locate() error {
	name := strings.TrimSuffix(s.csv, filepath.Ext(s.csv))
	if s.report == "" {
		s.report = name + ".report.csv"
	}
	if s.journal == "" {
		s.journal = name + ".journal"
	}
	paths := make(map[string]bool)
	for _, path := range []string{s.csv, s.report, s.journal} {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if paths[absolute] {
			return fmt.Errorf("%s cannot be two of CSV file, report and journal", path)
		}
		paths[absolute] = true
	}
	return nil
}
