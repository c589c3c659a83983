//go:build race

package servicetest_test

// raceDetector says that the race detector is on. It makes every sync.Pool forget part of what it is given, so that
// programs allocate more.
const raceDetector = true
