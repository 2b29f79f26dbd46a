package check

// The two ways of [Email].
var (
	Plain   = plain
	Address = address
)
