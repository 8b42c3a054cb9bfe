// Package pagecache models a machine's page cache and the file systems under it:
// which pages are in memory, which are dirty, when they are written and read,
// when a writer must pause, and what an fsync has to wait for. It is a pure state
// machine in virtual time on top of disks/device. It holds ranges and no bytes,
// and knows neither names of files nor tasks; what survives a power loss it says
// through Owner, and keeps no image itself.
//
//	File.Append, Read, Sync ...      one Cache for a machine: LRU, dirty limits
//	   |
//	Volume                           one for a disk: write-back, journal, allocator
//	   |
//	device.Device
//
// # Use
//
// Every method takes the instant. Time never goes back, and what is due before it
// (Volume.NextEvent) must have been taken by Advance. Methods that may have to
// wait take an Op, whose Done is called when they are through: within the call if
// there is nothing to wait for, else in an Advance.
//
// # What is modelled
//
// All function names are Linux's (6.1). Thresholds are shares of the dirtyable
// memory, which is the whole of Config.MemoryBytes; throttling is
// balance_dirty_pages with its integers, in throttle.go; write-back is that of
// fs/fs-writeback.c, in flusher.go; read-ahead that of mm/readahead.c. Files are
// append-only: their bytes are written over only after a Truncate or a Reuse.
//
// Of a file system there is an allocator (delayed allocation, with windows that
// grow with the file) and a journal with one running and one committing
// transaction. ext4, in ordered mode: a commit waits for the data that its
// transaction allocated, writes its blocks to the journal, flushes the device and
// writes the commit block with FUA; an append to a file whose blocks are just
// being written to the journal waits (do_get_write_access). xfs: a size counts
// when its data is written, and the log waits for no data of other files.
//
// # What is not
//
// Pages that other memory takes away, reading a partial page before writing it,
// huge pages, cgroups, the wait of a truncate for pages under write-back, jbd2's
// wait for others to join a synchronous handle (fsync does not have it), the
// writing of metadata to its place after the commit (checkpointing), and what xfs
// may show as zeros after a crash: its size ends where the data written without
// gaps does.
package pagecache
