package listing

import (
	"context"
	"maps"
	"slices"
)

// idsPerQuery is how many ids one query names.
const idsPerQuery = 500

// listAgain lists the rows that match, and then asks for those that are followed
// and were not among them: those that are not found either are gone. So it costs
// as much as the watch is large, whatever the platform has.
func (f *follower[T]) listAgain(ctx context.Context) ([]Change[T], error) {
	missing := make(map[string]bool)
	for id, m := range f.marks {
		if m.followed {
			missing[id] = true
		}
	}
	var news []*T
	find := func(row *T) bool {
		k := f.Key(row)
		delete(missing, k.ID)
		if f.isNews(k) {
			news = append(news, row)
		}
		return true
	}
	if err := f.each(ctx, Query{}, find); err != nil {
		return nil, err
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(missing)), idsPerQuery) {
		if err := f.each(ctx, Query{AnyStatus: true, IDs: ids}, find); err != nil {
			return nil, err
		}
	}
	f.relist, f.polls = false, 0
	// It leaves high alone, which is for what was read in the order of changes.
	var changes []Change[T]
	for _, row := range news {
		changes = f.note(changes, row)
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		changes = append(changes, Change[T]{ID: id, PreviousStatus: f.marks[id].status})
		delete(f.marks, id)
	}
	return changes, nil
}
