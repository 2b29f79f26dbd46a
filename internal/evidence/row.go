package evidence

import "time"

// Row is what has to be known of an invite, as it is now, to judge it.
type Row struct {
	ID string
	// Stamp is when the invite was made, if a request to make it is judged, or when it
	// was changed last.
	Stamp  time.Time
	Status Status
	// Other is whether the address is written in another form than it was asked for,
	// or the inviter is not the one who was named.
	Other bool
}

// Status is where an invite stands.
type Status int

const (
	// StatusOther is a status that this package does not know.
	StatusOther Status = iota
	// Pending means that the invitee has not answered.
	Pending
	// Accepted means that the invitee has joined.
	Accepted
	// Canceled means that the inviter has withdrawn it.
	Canceled
	// Expired means that its time is over.
	Expired
)

// Finding is what a row proves about a request, the weakest first.
type Finding int

const (
	// Nothing means that there is no row, or that it says nothing.
	Nothing Finding = iota
	// Older means that the row was there before the request.
	Older
	// OlderByClock means that the row was there before, unless the two clocks differ. It keeps
	// the request from being repeated.
	OlderByClock
	// Doubtful means that the row may be the request's own or not.
	Doubtful
	// Done means that the request was processed.
	Done
)

// Made judges a row found where a request may have made an invite.
func (m Moment) Made(r Row) Finding {
	if f := m.age(r); f != Doubtful {
		if (r.Status == Canceled || r.Status == Expired) && f != Older {
			return Nothing
		}
		return f
	}
	switch {
	case r.Status == Canceled, r.Status == Expired:
		return Nothing // whoever is asked for has no invitation
	case r.Other || !m.dated:
		return Doubtful
	case r.Stamp.After(m.latest) && (r.Status == Pending || r.Status == Accepted):
		return Done
	case !r.Stamp.Before(m.nominal) && r.Status == Pending:
		return Done // whoever is asked for has an invitation of that second
	default:
		return Doubtful
	}
}

// Resent judges an invite that a request may have mailed again. Its Stamp is that
// of the last change; created is when it was made, which is no such change.
func (m Moment) Resent(r Row, created time.Time) Finding {
	if !r.Stamp.After(created) {
		// Never changed, whatever the clocks say. An answer that does not even say when it
		// was given may be an old one.
		if m.undated && !m.start.seen.before(r.ID, r.Stamp) {
			return Doubtful
		}
		return Older
	}
	f := m.age(r)
	if f == Doubtful && m.dated && r.Status == Pending && !r.Stamp.Before(m.nominal) {
		return Done
	}
	return f
}

// Accepted judges an invite that a request may have accepted: one that was accepted
// since is, whoever did it. Its Stamp is that of the last change.
func (m Moment) Accepted(r Row) Finding {
	if r.Status != Accepted {
		return Nothing
	}
	f := m.age(r)
	if f == Doubtful && m.dated && !r.Stamp.Before(m.nominal) {
		return Done
	}
	return f
}

// age reports whether a row is older than the request; if that is not known, it
// is Doubtful.
func (m Moment) age(r Row) Finding {
	switch {
	case m.start.seen.before(r.ID, r.Stamp), r.Stamp.Before(m.floor):
		return Older
	case !m.dated:
		return Doubtful
	case m.Long(r.Stamp), m.careful == 0 && r.Stamp.Before(m.earliest):
		return Older
	case r.Stamp.Before(m.earliest):
		return OlderByClock
	default:
		return Doubtful
	}
}

// WasCanceled judges an invite that a request may have canceled: one that is
// canceled was, whoever did it.
func WasCanceled(s Status) Finding {
	if s == Canceled {
		return Done
	}
	return Nothing
}
