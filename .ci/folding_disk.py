"""A disk that takes two names for one, as those of macOS do: `folding_disk.py FOLDER MOUNT` shows a folder through it.

Names are kept as they were given, and compared without regard to case and to how an accent is encoded. It is a FUSE file system: it
needs `fuse`, `libfuse2` (Debian) and `fusepy` (pip). `.ci/folding-disk` runs tests on it.
"""

import errno
import os
import sys
import unicodedata

from fuse import FUSE, FuseOSError, Operations


def fold(name):
    composed = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", composed.casefold())


class Folding(Operations):
    use_ns = True

    def __init__(self, root):
        self.root = os.path.realpath(root)

    def real(self, path):
        """Returns where a path is: each name as it was given, or else the one that is there and folds to the same."""
        place = self.root
        for name in filter(None, path.split("/")):
            exact = os.path.join(place, name)
            if not os.path.lexists(exact):
                try:
                    others = [other for other in os.listdir(place) if fold(other) == fold(name)]
                except OSError:
                    others = []
                exact = os.path.join(place, others[0]) if others else exact
            place = exact
        return place

    def access(self, path, mode):
        if not os.access(self.real(path), mode, follow_symlinks=False):
            raise FuseOSError(errno.EACCES)

    def getattr(self, path, fh=None):
        stat = os.lstat(self.real(path))
        fields = "gid mode nlink size uid ino blocks".split()
        found = {"st_" + field: getattr(stat, "st_" + field) for field in fields}
        return found | {"st_" + time: getattr(stat, f"st_{time}_ns") for time in ("atime", "mtime", "ctime")}

    def rename(self, old, new):
        old, there = self.real(old), self.real(new)
        folder, name = os.path.split(new)
        wanted = os.path.join(self.real(folder), name)
        if there != wanted and there != old and os.path.lexists(there):
            os.rename(old, there)
            old = there
        os.rename(old, wanted)

    def readdir(self, path, fh):
        return [".", ".."] + os.listdir(self.real(path))

    def utimens(self, path, times=None):
        os.utime(self.real(path), ns=tuple(map(int, times)) if times else None, follow_symlinks=False)

    def statfs(self, path):
        found = os.statvfs(self.real(path))
        return {key: getattr(found, key) for key in dir(found) if key.startswith("f_") and key != "f_fsid"}

    def open(self, path, flags):
        return os.open(self.real(path), flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))

    def create(self, path, mode, fi=None):
        return os.open(self.real(path), os.O_RDWR | os.O_CREAT, mode)

    def truncate(self, path, length, fh=None):
        os.truncate(self.real(path) if fh is None else fh, length)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def chmod(self, path, mode):
        os.chmod(self.real(path), mode)

    def chown(self, path, user, group):
        os.chown(self.real(path), user, group, follow_symlinks=False)

    def link(self, new, old):
        os.link(self.real(old), self.real(new), follow_symlinks=False)

    def symlink(self, path, target):
        os.symlink(target, self.real(path))

    def readlink(self, path):
        return os.readlink(self.real(path))

    def mknod(self, path, mode, device):
        os.mknod(self.real(path), mode, device)

    def mkdir(self, path, mode):
        os.mkdir(self.real(path), mode)

    def rmdir(self, path):
        os.rmdir(self.real(path))

    def unlink(self, path):
        os.unlink(self.real(path))

    def flush(self, path, fh):
        return 0

    def fsync(self, path, data_only, fh):
        return 0

    def release(self, path, fh):
        os.close(fh)


if __name__ == "__main__":
    options = {"use_ino": True, "allow_other": True, "default_permissions": True}
    # Nothing is remembered of a name: its twin may have changed it.
    options |= {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
    FUSE(Folding(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True, **options)
