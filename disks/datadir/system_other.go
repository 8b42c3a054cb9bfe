//go:build !linux && !darwin

package datadir

import (
	"errors"
	"os"
)

func lockShared(*os.File) error { return errors.ErrUnsupported }

func lockExclusiveNow(*os.File) error { return errors.ErrUnsupported }

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

func kindName(string) (string, error) { return "", errors.ErrUnsupported }

func fileSystemID(string) (uint64, bool) { return 0, false }
