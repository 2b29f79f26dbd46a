//go:build !race

package roq_test

// raceDetector is whether it is built in.
const raceDetector = false
