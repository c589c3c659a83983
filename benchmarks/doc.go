// Package benchmarks compares this module with what a program would do without it. It holds benchmarks only. It is a
// module of its own so that what it compares with is not a dependency of the library.
//
// Every row is a ratio to a baseline: to net/http that posts the same request, or to a plain struct in the same JSON
// package. Ours and the baseline take turns within one run, because the noise of a machine is larger than the
// difference. A ratio is the median of the turns' ratios. Times cannot be compared between machines; ratios and
// allocations can.
//
//	make bench
package benchmarks
