package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// diskUsed returns how full the file system of a folder is, in percent, as df shows it: what is reserved for root
// counts as neither used nor free.
func diskUsed(folder string) (float64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", folder, err)
	}
	used := s.Blocks - s.Bfree
	if used+s.Bavail == 0 {
		return 0, errors.New(folder + " has no blocks")
	}
	return 100 * float64(used) / float64(used+s.Bavail), nil
}

// load returns the load average of five minutes, divided by the number of CPUs.
func load() (float64, error) {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(content))
	if len(fields) < 3 {
		return 0, fmt.Errorf("/proc/loadavg has %d fields", len(fields))
	}
	average, err := strconv.ParseFloat(fields[1], 64)
	return average / float64(runtime.NumCPU()), err
}
