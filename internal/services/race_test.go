//go:build race

package services

// raceDetector says that the race detector is on. It makes every sync.Pool forget part of what it is given, so that
// programs allocate more.
const raceDetector = true
