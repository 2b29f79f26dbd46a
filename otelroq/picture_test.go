package otelroq_test

import (
	"cmp"
	"flag"
	"fmt"
	"html"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

var write = flag.Bool("write", false, "write the picture in docs/images")

const pictureFile = "../docs/images/campaign-trace.svg"

// The picture in the documentation is one of real spans: a campaign with a token that is
// fetched twice, a batch whose answer is lost and which is found, a batch that is
// repeated after 429, and one that is lost and stays unknown. What it shows is compared
// with what a campaign shows today, but for the times.
func TestPicture(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	s.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Times: 1, Status: 503, Delay: 40 * time.Millisecond})
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Drop: roqtest.DropAfter, Delay: 80 * time.Millisecond})
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Status: 429, Header: http.Header{"Retry-After": {"1"}}, Delay: 20 * time.Millisecond})
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 2, Times: 1, Drop: roqtest.DropBefore, Delay: 80 * time.Millisecond})
	s.Inject(roqtest.Fault{Delay: 60 * time.Millisecond})
	counts, err := s.sendAll(t.Context(), 30, "spring", roq.WithBatchSize(10), roq.WithParallel(1))
	if err != nil || counts[roq.OutcomeSent] != 25 || counts[roq.OutcomeUnknown] != 5 {
		t.Fatal(counts, err, "\n", s.tree())
	}
	picture := s.draw()
	if *write {
		if err := os.WriteFile(pictureFile, []byte(picture), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := words(picture), words(string(committed)); !slices.Equal(got, want) {
		t.Errorf("the picture is of other spans (go test -run Picture . -write):\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// words returns what a picture says, but for times, and look-ups that take their time
// once: how many there are depends on it.
func words(picture string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`<text class="([a-z]+)"[^>]*>([^<]*)</text>`).FindAllStringSubmatch(picture, -1) {
		if m[1] == "time" || m[1] == "value" || len(all) > 0 && strings.Contains(m[2], "settle answered") && all[len(all)-1] == m[2] {
			continue
		}
		all = append(all, m[2])
	}
	return all
}

// The geometry of the picture, in pixels.
const (
	pictureWidth = 1080
	labelWidth   = 430
	rowHeight    = 20
)

// draw draws the spans, and a table of the metrics below them.
func (s *scene) draw() string {
	spans := s.spans.Ended()
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	begin, end := spans[0].StartTime(), spans[0].EndTime()
	for _, span := range spans {
		if span.EndTime().After(end) {
			end = span.EndTime()
		}
	}
	x := func(at time.Time) float64 {
		return labelWidth + float64(at.Sub(begin))/float64(end.Sub(begin))*(pictureWidth-labelWidth-90)
	}
	var b strings.Builder
	y := 44
	text := func(class string, x float64, format string, args ...any) {
		fmt.Fprintf(&b, `<text class="%s" x="%.0f" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(fmt.Sprintf(format, args...)))
	}
	var row func(parent string, depth int)
	row = func(parent string, depth int) {
		for _, span := range spans {
			if span.Parent().SpanID().String() != parent {
				continue
			}
			text("name", float64(16+14*depth), "%s%s", span.Name(), label(span))
			from, to := x(span.StartTime()), x(span.EndTime())
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="12" rx="2" fill="%s"/>`+"\n", from, y-10, max(to-from, 2), color(span))
			text("time", max(to, from+2)+6, "%s", duration(span.EndTime().Sub(span.StartTime())))
			y += rowHeight
			row(span.SpanContext().SpanID().String(), depth+1)
		}
	}
	row("0000000000000000", 0)
	y += rowHeight
	text("head", 16, "Metrics")
	for _, m := range []struct {
		name string
		by   attribute.Key
	}{{"roq.invites", "roq.outcome"}, {"roq.requests", "roq.request.purpose"}, {"roq.requests", "roq.request.outcome"}, {"roq.settles", "roq.settle.result"}} {
		sums := s.sums(m.name, m.by)
		for _, value := range slices.SortedFunc(maps.Keys(sums), cmp.Compare[string]) {
			y += rowHeight
			text("name", 16, "%s{%s=%q}", m.name, m.by, value)
			text("value", labelWidth, "%.0f", sums[value])
		}
	}
	y += rowHeight
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Spans and metrics of a campaign of 30 invites: a batch is settled, one is repeated after 429, one stays unknown">
<style>text{font:12px ui-monospace,monospace;fill:#1f2328}.head{font-weight:bold}.time{fill:#59636e}</style>
<rect width="100%%" height="100%%" rx="6" fill="#fff" stroke="#d1d9e0"/>
<text class="head" x="16" y="24">A campaign of 30 invites</text>
%s</svg>
`, pictureWidth, y, b.String())
}

func color(span sdktrace.ReadOnlySpan) string {
	switch {
	case span.Status().Code == codes.Error:
		return "#cf222e"
	case span.Name() == "roq settle":
		return "#bf8700"
	case strings.HasPrefix(span.Name(), "POST "):
		return "#1a7f37"
	default:
		return "#0969da"
	}
}

func duration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
