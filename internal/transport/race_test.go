//go:build race

package transport

// raceDetector is whether the race detector is on: pools drop things at random then.
const raceDetector = true
