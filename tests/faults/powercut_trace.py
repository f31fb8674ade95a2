"""What a program did to the files below one directory, from strace.

record() runs a command under strace and returns its operations in order:

    Op("create" | "mkdir" | "unlink" | "rmdir", path)
    Op("rename" | "link", path, to)
    Op("write", path, at, data)
    Op("truncate" | "allocate", path, at)   the length it has, or at least has
    Op("sync", path, since)         of a file or a directory

Paths are absolute.  An operation stands where its call returned, when its
effect is sure to be visible to others; a sync covers what had returned before
it was called, which is operation number `since`.  What goes through a mapping
is not seen: SQLite's index of the log need not survive, the heartbeats
neither, and `mapped` supplies what the compiled tables held when synced.
"""
import os
import re
import subprocess
from collections import namedtuple

CALLS = ("open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,"
         "linkat,symlink,symlinkat,unlink,unlinkat,rmdir,write,writev,"
         "pwrite64,pwritev,pwritev2,truncate,ftruncate,fallocate,lseek,"
         "fsync,fdatasync,sync_file_range,sync,syncfs,msync,"
         "copy_file_range,sendfile,splice,ioctl")

Op = namedtuple("Op", "kind path at data since", defaults=(0, b"", 0))

LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
RESULT = re.compile(r"(.*)\) += (-?\d+)(?:<([^>]*)>)?(?:\(deleted\))?.*",
                    re.DOTALL)
UNFINISHED = " <unfinished ...>"
IGNORED = ("/job.db-shm",)
HEARTBEATS = ("/workers",)  # its name alone counts


class Unexpected(Exception):
    """A call whose effect the model of the disk does not know."""


def text(field):
    return raw(field).decode("utf-8", "surrogateescape")


def raw(field):
    """The bytes of "\\x41\\x42" or of a descriptor's path in the same form."""
    return bytes.fromhex(field.strip().strip('"').replace("\\x", ""))


def fd_path(field):
    """The path in 7</a/b>; None if the file had no name any more."""
    if "(deleted)" in field:
        return None
    found = re.search(r"<((?:\\x[0-9a-f]{2})*)>", field)
    return text(found.group(1)) if found else None


def join(dirfield, name):
    return os.path.normpath(os.path.join(fd_path(dirfield) or "/", text(name)))


class Trace:
    """Reads strace's lines and collects operations below `root`; `there`: the
    sizes of files that exist before."""

    def __init__(self, root, there):
        self.root = root
        self.there = there
        self.ops = []
        self.begun = {}  # pid: the first half of a call, ops before it
        self.at = {}     # path: where write() goes on
        self.files = set(there)

    def ours(self, path):
        return (path is not None
                and (path == self.root or path.startswith(self.root + "/"))
                and not path.endswith(IGNORED))

    def add(self, kind, path, at=0, data=b"", since=0):
        if self.ours(path) and not (path.endswith(HEARTBEATS)
                                    and kind in ("truncate", "allocate")):
            self.ops.append(Op(kind, path, at, data, since))

    def line(self, line):
        line = line.rstrip("\n")
        found = LINE.match(line)
        if not found or "+++" in line[:40] or "---" in line[:40]:
            return
        pid, call, rest = found.groups()
        if rest.endswith(UNFINISHED):
            self.begun[pid] = rest[:-len(UNFINISHED)], len(self.ops)
            return
        since = len(self.ops)
        if " resumed>" in line[:60]:
            if pid not in self.begun:
                return  # a call that began before the trace did
            head, since = self.begun.pop(pid)
            rest = head + rest
        found = RESULT.match(rest)
        if not found or found.group(2).startswith("-"):
            return
        args, result, path = found.groups()
        method = getattr(self, "on_" + call, None)
        fields = args.split(", ")
        if method:
            method(fields, int(result), since)
        elif call in ("open", "openat", "creat"):
            self.on_open(call, fields, path)
        elif any(self.ours(fd_path(f)) or
                 f.startswith('"') and self.ours(text(f)) for f in fields):
            raise Unexpected(f"{call}({args[:200]})")

    def on_open(self, call, fields, path):
        path = text(path) if path else None
        flags = fields[2] if call == "openat" else fields[1]
        if call == "creat" or not self.ours(path):
            return
        if "O_CREAT" in flags and path not in self.files:
            self.files.add(path)
            self.add("create", path)
        elif "O_TRUNC" in flags:
            self.add("truncate", path, 0)
        if "O_APPEND" in flags:
            # Whoever appends writes there in no other way.
            self.at.setdefault(path, self.there.get(path, 0))
        elif "O_PATH" not in flags and "O_RDONLY" not in flags:
            self.at[path] = 0

    def on_mkdir(self, f, _, __):
        self.add("mkdir", os.path.normpath(text(f[0])))

    def on_mkdirat(self, f, _, __):
        self.add("mkdir", join(f[0], f[1]))

    def moved(self, a, b):
        self.add("rename", a, data=b)
        for path in [p for p in self.files
                     if p == a or p.startswith(a + "/")]:
            self.files.discard(path)
            self.files.add(b + path[len(a):])
            self.at.pop(path, None)
            self.there.pop(path, None)

    def on_rename(self, f, _, __):
        self.moved(text(f[0]), text(f[1]))

    def on_renameat(self, f, _, __):
        self.moved(join(f[0], f[1]), join(f[2], f[3]))

    def on_link(self, f, _, __):
        self.files.add(text(f[1]))
        self.add("link", text(f[0]), data=text(f[1]))

    def removed(self, path, kind="unlink"):
        self.files.discard(path)
        self.add(kind, path)

    def on_unlink(self, f, _, __):
        self.removed(text(f[0]))

    def on_rmdir(self, f, _, __):
        self.removed(text(f[0]), "rmdir")

    def on_unlinkat(self, f, _, __):
        kind = "rmdir" if "AT_REMOVEDIR" in f[2] else "unlink"
        self.removed(join(f[0], f[1]), kind)

    def on_write(self, f, n, _):
        path = fd_path(f[0])
        if self.ours(path):
            at = self.at.get(path, 0)
            self.add("write", path, at, raw(f[1])[:n])
            self.at[path] = at + n

    def on_pwrite64(self, f, n, _):
        path = fd_path(f[0])
        if self.ours(path):
            self.add("write", path, int(f[3]), raw(f[1])[:n])

    def on_lseek(self, f, n, _):
        path = fd_path(f[0])
        if path in self.at:
            self.at[path] = n

    def on_ftruncate(self, f, _, __):
        self.add("truncate", fd_path(f[0]), int(f[1]))

    def on_fallocate(self, f, _, __):
        if f[1] != "0":
            raise Unexpected("fallocate with " + f[1])
        self.add("allocate", fd_path(f[0]), int(f[2]) + int(f[3]))

    def on_fsync(self, f, _, since):
        self.add("sync", fd_path(f[0]), since=since)

    on_fdatasync = on_fsync

    def on_ioctl(self, f, _, __):
        if "FICLONE" in f[1]:
            raise Unexpected("blocks are shared: record it where they cannot")

    def on_sync_file_range(self, *_):
        """It begins to write, and promises nothing."""


def read(trace, root, there):
    """The operations in strace's output; `there` as in Trace."""
    out = Trace(root, there)
    with open(trace, encoding="ascii") as lines:
        for line in lines:
            out.line(line)
    if not out.ops:
        raise Unexpected("strace saw nothing below " + root)
    return out.ops


def record(argv, root, trace, **keywords):
    """Run argv under strace; its exit status and operations below `root`."""
    there = {os.path.join(d, f): os.lstat(os.path.join(d, f)).st_size
             for d, _, fs in os.walk(root) for f in fs}
    done = subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", trace,
         "-e", "trace=" + CALLS, *argv], **keywords, check=False,
        # The leak sanitizer and strace cannot trace one process both.
        env={**os.environ, "ASAN_OPTIONS":
             os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    return done, mapped(read(trace, root, there), root)


def mapped(ops, root):
    """Compiled tables are written through a mapping and are whole when they
    are synced: put what they hold at the end in front of their sync."""
    moves = [(o.path, o.data) for o in ops if o.kind == "rename"]
    held = {}
    for d, _, files in os.walk(root):
        for path in (os.path.join(d, f) for f in files if "/tables" in d):
            with open(path, "rb") as f:
                held[path] = f.read()
    out, added = [], []  # numbers, in `ops`, of the syncs so preceded
    for n, op in enumerate(ops):
        if op.kind == "rename":
            moves = moves[1:]
        if op.kind == "sync":
            since = op.since + sum(m < op.since for m in added)
            data = held.get(where(op.path, moves))
            if data is not None:
                out.append(Op("write", op.path, 0, data))
                added.append(n)
                since = len(out)
            op = op._replace(since=since)
        out.append(op)
    return out


def where(path, moves):
    """The name at the end of what is called `path` before these renames."""
    for a, b in moves:
        if path == a or path.startswith(a + "/"):
            path = b + path[len(a):]
    return path
