package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-roq/roq"
)

const (
	defaultPeople = 10_000
	maxPeople     = 1_000_000
	maxCampaign   = 200
)

// settings are what the flags say.
type settings struct {
	csv, report, unknown, journal string
	campaign                      string
	format                        format
	dryRun                        bool

	people int
	made   bool // whether -people was given

	platform   bool
	tenant, as string
	options    []roq.Option

	concurrency, batch int
	rate               float64
}

// The ranges of flags that become options.
const (
	maxConcurrency = 64
	maxBatch       = 10_000
	maxRate        = 100_000
)

// parse reads the flags; -help goes to out.
func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("campaign", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what it would print is in its error
	flags.Usage = func() {}
	flags.StringVar(&s.csv, "csv", "", "`file` with the people (default: made-up people)")
	flags.BoolVar(&s.dryRun, "dry-run", false, "check every row and send nothing")
	flags.StringVar(&s.report, "report", "", "`file` for the report (default NAME.report.csv beside the CSV file; without -platform, NAME.rehearsal.csv)")
	flags.StringVar(&s.journal, "journal", "", "`file` for the journal (default NAME.journal beside the CSV file; with -campaign, NAME is its name)")
	flags.StringVar(&s.campaign, "campaign", "", "`name` of the campaign, so that the CSV file can be renamed (default the name of the file)")
	flags.IntVar(&s.people, "people", defaultPeople, "number of made-up people, if the CSV file does not exist")
	flags.BoolVar(&s.platform, "platform", false, "invite on the platform that the environment variables name")
	flags.StringVar(&s.tenant, "tenant", "", "tenantId to invite to, with -platform")
	flags.StringVar(&s.as, "as", "", "roqUserId of the inviter, or with ROQ_API_URL their e-mail address, with -platform")
	flags.Func("roles", "`roles` for rows without roles, separated by ; or |", func(text string) error {
		s.format.roles = splitRoles(text)
		return nil
	})
	flags.Func("separator", "`character` between the cells, or tab (default: the most frequent one in the header)", func(text string) (err error) {
		s.format.separator, err = parseSeparator(text)
		return err
	})
	flags.Func("map", "names of columns, as in `email=Work_Email,firstName=Vorname`", func(text string) (err error) {
		s.format.mapping, err = parseMapping(text)
		return err
	})
	flags.IntVar(&s.concurrency, "concurrency", 8, fmt.Sprintf("requests in flight at once, from 1 to %d", maxConcurrency))
	flags.IntVar(&s.batch, "batch", 100, fmt.Sprintf("invites in one request, from 1 to %d", maxBatch))
	flags.Float64Var(&s.rate, "rate", 0, "requests per second at most; 0 means no limit")
	repeat := flags.Bool("repeat-unknown", false, "send unknown rows again if no invite is found; only for a platform that refuses a second pending invite to an address")
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
	s.options = []roq.Option{roq.WithParallel(s.concurrency), roq.WithBatchSize(s.batch)}
	if s.rate != 0 {
		s.options = append(s.options, roq.WithRateLimit(s.rate))
	}
	if *repeat {
		s.options = append(s.options, roq.WithRepeatUnknown())
	}
	return s, s.check(flags.Args())
}

func (s settings) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: the people are in -csv", rest[0])
	case s.people < 1 || s.people > maxPeople:
		return fmt.Errorf("-people %d: must be from 1 to %d", s.people, maxPeople)
	case s.concurrency < 1 || s.concurrency > maxConcurrency:
		return fmt.Errorf("-concurrency %d: must be from 1 to %d", s.concurrency, maxConcurrency)
	case s.batch < 1 || s.batch > maxBatch:
		return fmt.Errorf("-batch %d: must be from 1 to %d", s.batch, maxBatch)
	case !(s.rate >= 0 && s.rate <= maxRate): // NaN is neither
		return fmt.Errorf("-rate %v: must be from 0 to %d", s.rate, maxRate)
	case s.campaign != filepath.Base(s.campaign) && s.campaign != "" || len(s.campaign) > maxCampaign || !utf8.ValidString(s.campaign):
		return fmt.Errorf("-campaign %q: must be a name of at most %d bytes, and not a path: it is the name of the journal too", s.campaign, maxCampaign)
	case s.platform && s.made:
		return errors.New("-people cannot be used with -platform: the people are made up")
	case s.platform && s.csv == "":
		return errors.New("-platform needs -csv")
	case s.platform && !s.dryRun && (s.as == "" || s.tenant == "" && !strings.Contains(s.as, "@")):
		return errors.New("-platform needs -as and -tenant: who invites to which tenant")
	case !s.platform && (s.as != "" || s.tenant != ""):
		return errors.New("-as and -tenant can only be used with -platform")
	}
	return nil
}

// locate completes the paths, beside the CSV file.
func (s *settings) locate() error {
	name := withoutExtension(s.csv)
	switch {
	case s.report != "":
	case s.platform:
		s.report = name + ".report.csv"
	default:
		s.report = name + ".rehearsal.csv"
	}
	s.unknown = withoutExtension(s.report) + ".unknown.csv"
	switch {
	case s.journal != "":
	case s.campaign != "":
		s.journal = filepath.Join(filepath.Dir(s.csv), s.campaign+".journal")
	default:
		s.journal = name + ".journal"
	}
	if s.campaign == "" {
		s.campaign = filepath.Base(s.csv)
	}
	paths := make(map[string]bool)
	for _, path := range []string{s.csv, s.report, s.unknown, s.journal} {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if paths[absolute] {
			return fmt.Errorf("%s cannot be used for two of -csv, -report and -journal", path)
		}
		paths[absolute] = true
	}
	return nil
}

func withoutExtension(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }
