//go:build !linux && !darwin

package osfs

import "errors"

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
