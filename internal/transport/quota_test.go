package transport

import (
	"net/http"
	"testing"
	"time"
)

func TestReadQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		header http.Header
		want   Quota
	}{
		"nothing":           {http.Header{"Date": {"x"}, "Retry-After": {"5"}}, Quota{}},
		"express":           {http.Header{"Ratelimit-Limit": {"100"}, "Ratelimit-Remaining": {"7"}, "Ratelimit-Reset": {"30"}}, Quota{100, 7, 30 * time.Second}},
		"NestJS":            {http.Header{"X-Ratelimit-Limit": {"10"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"60"}}, Quota{10, 0, time.Minute}},
		"NestJS, named":     {http.Header{"X-Ratelimit-Limit-Short": {"3"}, "X-Ratelimit-Remaining-Short": {"1"}, "X-Ratelimit-Limit-Long": {"99"}, "X-Ratelimit-Remaining-Long": {"80"}}, Quota{3, 1, 0}},
		"another spelling":  {http.Header{"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"2"}, "X-Rate-Limit-Reset": {"1795608030"}}, Quota{10, 2, 30 * time.Second}},
		"with a policy":     {http.Header{"Ratelimit-Limit": {"100, 100;w=60"}, "Ratelimit-Remaining": {"50"}}, Quota{100, 50, 0}},
		"one header":        {http.Header{"Ratelimit": {"limit=100, remaining=50, reset=5"}}, Quota{100, 50, 5 * time.Second}},
		"structured":        {http.Header{"Ratelimit": {`"default";r=50;t=30`}, "Ratelimit-Policy": {`"default";q=100;w=60`}}, Quota{100, 50, 30 * time.Second}},
		"structured, two":   {http.Header{"Ratelimit": {`"hour";r=500;t=3000, "burst";r=2;t=1`}, "Ratelimit-Policy": {`"hour";q=1000;w=3600,"burst";q=10;w=1`}}, Quota{10, 2, time.Second}},
		"only the limit":    {http.Header{"Ratelimit-Limit": {"100"}}, Quota{}},
		"no numbers":        {http.Header{"Ratelimit-Limit": {"many"}, "Ratelimit-Remaining": {"some"}, "Ratelimit-Reset": {"soon"}}, Quota{}},
		"negative":          {http.Header{"Ratelimit-Limit": {"-1"}, "Ratelimit-Remaining": {"-1"}}, Quota{}},
		"a limit of nobody": {http.Header{"Ratelimit": {}, "Ratelimit-": {""}, "X-Ratelimits": {"x"}}, Quota{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ReadQuota(test.header, now); got != test.want {
				t.Errorf("ReadQuota(%v) = %+v, want %+v", test.header, got, test.want)
			}
		})
	}
}
