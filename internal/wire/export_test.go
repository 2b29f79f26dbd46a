package wire

// Wrong is the error of a body that a decoder refused so.
var Wrong = wrong

// PlainLength is plainLength.
func PlainLength(b []byte) int { return plainLength(b) }
