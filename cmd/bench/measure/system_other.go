//go:build !linux

package measure

func hugePages([]byte) {}
