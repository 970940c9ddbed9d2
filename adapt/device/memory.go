package device

import "golang.org/x/sys/unix"

// PeakRSS is the largest resident memory of this process so far, in MiB.
func PeakRSS() float64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Maxrss) / 1024 // Linux counts in KiB
}
