//go:build !race

package services

const raceDetector = false
