package datadir

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func kindName(dir string) (string, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return "", err
	}
	return magicName(uint32(stat.Type)), nil
}

// magics are the file systems that statfs(2) tells apart. Those that have no
// constant are from the sources of their drivers.
var magics = []struct {
	magic uint32
	name  string
}{
	{unix.EXT4_SUPER_MAGIC, "ext2/3/4"}, // one magic for all three
	{unix.XFS_SUPER_MAGIC, "xfs"},
	{unix.BTRFS_SUPER_MAGIC, "btrfs"},
	{unix.F2FS_SUPER_MAGIC, "f2fs"},
	{unix.BCACHEFS_SUPER_MAGIC, "bcachefs"},
	{0x2fc12fc1, "zfs"},
	{unix.OVERLAYFS_SUPER_MAGIC, "overlayfs"},
	{unix.TMPFS_MAGIC, "tmpfs"},
	{unix.RAMFS_MAGIC, "ramfs"},
	{unix.NFS_SUPER_MAGIC, "nfs"},
	{unix.CIFS_SUPER_MAGIC, "cifs"},
	{unix.SMB_SUPER_MAGIC, "smb"},
	{unix.SMB2_SUPER_MAGIC, "smb2"},
	{unix.V9FS_MAGIC, "9p"},
	{unix.FUSE_SUPER_MAGIC, "fuse"},
	{unix.CEPH_SUPER_MAGIC, "ceph"},
	{unix.AFS_SUPER_MAGIC, "afs"},
	{unix.AFS_FS_MAGIC, "afs"},
	{unix.CODA_SUPER_MAGIC, "coda"},
	{unix.NCP_SUPER_MAGIC, "ncp"},
	{0x0bd00bd0, "lustre"},
	{0x47504653, "gpfs"},
	{0x786f4256, "vboxsf"},
	{unix.OCFS2_SUPER_MAGIC, "ocfs2"},
	{unix.REISERFS_SUPER_MAGIC, "reiserfs"},
	{unix.NILFS_SUPER_MAGIC, "nilfs"},
	{unix.ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
	{unix.EXFAT_SUPER_MAGIC, "exfat"},
	{unix.MSDOS_SUPER_MAGIC, "vfat"},
	{0x7366746e, "ntfs"},
	{0x3153464a, "jfs"},
	{unix.PROC_SUPER_MAGIC, "proc"},
	{unix.SYSFS_MAGIC, "sysfs"},
}

func magicName(magic uint32) string {
	for _, m := range magics {
		if m.magic == magic {
			return m.name
		}
	}
	return fmt.Sprintf("unknown (magic %#x)", magic)
}
