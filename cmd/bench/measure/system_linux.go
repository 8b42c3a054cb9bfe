package measure

import "golang.org/x/sys/unix"

// hugePages asks for pages of 2 MiB, which are quicker to touch.
func hugePages(m []byte) { _ = unix.Madvise(m, unix.MADV_HUGEPAGE) }
