//go:build !race

package servicetest_test

const raceDetector = false
