package wire

// Wrong is the error of a body that a decoder refused so.
var Wrong = wrong
