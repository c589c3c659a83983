//go:build !linux

package main

import (
	"errors"
	"fmt"
	"runtime"
)

var errSystem = fmt.Errorf("this example measures on Linux only, not on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func diskUsed(string) (float64, error) { return 0, errSystem }

func load() (float64, error) { return 0, errSystem }
