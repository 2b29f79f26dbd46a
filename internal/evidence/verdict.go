package evidence

// Record is what is known of one invite of a request: the outcomes of its attempts,
// and what reading found.
type Record struct {
	// Maybe is whether any attempt may have been processed, Throttled whether any was
	// answered by something that says that it was not (408, 425, 429).
	Maybe, Throttled bool
	// Refused is whether the platform refused it for good.
	Refused bool
	// Echo is whether the platform refused it as being there already, after an attempt
	// that may have been what it is refused for.
	Echo bool
	// Finding is the strongest that a row gave.
	Finding Finding
	// Explained is whether a complete look-up showed an older pending invite, of anybody's,
	// that an Echo is refused for.
	Explained bool
}

// Verdict is the outcome of one invite of a request.
type Verdict int

const (
	// NotSent means that no request with it was processed.
	NotSent Verdict = iota
	// Sent means that it was processed.
	Sent
	// Refused means that the platform refused it.
	Refused
	// Unknown means that it may have been processed.
	Unknown
)

// Verdict judges a record. Complete says whether the last look-up was: it was
// answered, in the order that was asked for, and shows everything.
func (r Record) Verdict(complete bool) Verdict {
	switch {
	case r.Finding == Done:
		return Sent
	case r.Refused:
		return Refused
	case r.Echo && r.Explained:
		return Refused
	case r.Maybe, r.Echo:
		return Unknown
	case r.Throttled && (!complete || r.Finding == Doubtful || r.Finding == OlderByClock):
		return Unknown
	default:
		return NotSent
	}
}

// Known reports whether nothing that could be read would change the verdict.
func (r Record) Known() bool {
	return r.Finding == Done || r.Refused || !r.Maybe && !r.Throttled && !r.Echo
}
