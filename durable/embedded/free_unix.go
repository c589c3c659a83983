//go:build linux || darwin

package embedded

import "syscall"

// free returns how much this process may write to the disk of a directory.
func free(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:gosec,unconvert // the types depend on the system
}
