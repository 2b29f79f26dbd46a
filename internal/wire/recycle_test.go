package wire_test

import (
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// What was read of a list stays as it is when the list becomes another answer's.
func TestRecycledListsLeaveTheirTextsAlone(t *testing.T) {
	t.Parallel()
	decode := func(body []byte) *wire.Page {
		answer, err := wire.Decode[wire.Listed](body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Data.Page
	}
	large, small := page(1200), page(3)
	want := slices.Clone(decode(large).Data)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				got := decode(large)
				kept := slices.Clone(got.Data)
				got.Data.Recycle()
				if got.Data != nil {
					t.Error("a list that was given up is there still")
				}
				other := decode(small)
				if len(other.Data) != 3 || !reflect.DeepEqual(kept, want) {
					t.Error("what was kept has changed")
				}
				other.Data.Recycle()
				other.Data.Recycle() // nothing is given up twice
			}
		})
	}
	all.Wait()
}
