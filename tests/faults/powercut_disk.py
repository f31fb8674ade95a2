"""The states in which a power cut may leave what a program wrote.

A Disk takes the operations of powercut_trace.py.  At each point between two
of them, what was synced is there, and of the rest:

  data   of the writes that no sync of their file covers: none, all, all but
         one, only one, one of them torn at a multiple of 512 bytes, or one
         file of full length that holds zeros
  names  creations, renames and removals are a log, and some beginning of it
         survives: at least up to what a sync of the directory, or the sync of
         a file (for that file's creation), covered.  In the model "journal"
         there is one log for all directories, as a journalling file system
         keeps it; in "loose" one for each directory, and the sync of a file
         is worth nothing to its name, as POSIX has it.

Every real file system leaves fewer states than these.
"""
import hashlib
import os
import random

SECTOR = 512
SINGLED_OUT = 24  # unsynced writes of one moment; more are drawn by lot


class File:
    def __init__(self, data=b""):
        self.durable = data
        self.pending = ()    # (number, op), in order
        self.version = 0
        self.created = None  # the number of its entry in the log of names


class Dir:
    def __init__(self):
        self.base = {}       # name: File or Dir, before the first operation
        self.forced = 0


def apply(data, ops):
    """The bytes of a file after these of its operations."""
    out = bytearray(data)
    for op in ops:
        if op.kind == "truncate":
            del out[op.at:]
            out.extend(bytes(op.at - len(out)))
        elif op.kind == "allocate":
            out.extend(bytes(max(0, op.at - len(out))))
        else:
            out.extend(bytes(max(0, op.at - len(out))))
            out[op.at:op.at + len(op.data)] = op.data
    return bytes(out)


class Disk:
    """`tree`: {path below root: bytes, or None for a directory}, durable."""

    def __init__(self, root, tree, ops, names="journal"):
        self.root, self.names = root, names
        self.top = Dir()
        self.log = []        # (directory, kind, name, what) of names
        self.forced = 0      # so much of the log survives whatever comes
        self.points = []     # what is known of each moment
        self.trees = {}      # cut: names
        self.digests = {}    # key of a file's content: its digest
        for path in sorted(tree):
            where, name = self.parent(os.path.join(root, path))
            where.base[name] = (Dir() if tree[path] is None
                                else File(tree[path]))
        self.keep_point()
        for n, op in enumerate(ops):
            self.operate(n, op)
            self.keep_point()

    # ---- going through the operations ----

    def entries(self, where, upto=None):
        """Names in a directory after so much of the log."""
        out = dict(where.base)
        log = self.log if upto is None else upto
        for d, kind, name, what in log:
            if d is not where:
                continue
            if kind == "rename":
                out[what] = out.pop(name)
            elif kind == "link":
                out[what] = out[name]
            elif kind in ("unlink", "rmdir"):
                out.pop(name, None)
            else:
                out[name] = what
        return out

    def parent(self, path):
        names = os.path.relpath(path, self.root).split("/")
        where = self.top
        for name in names[:-1]:
            where = self.entries(where)[name]
        return where, names[-1]

    def find(self, path):
        if path == self.root:
            return self.top
        where, name = self.parent(path)
        return self.entries(where).get(name)

    def operate(self, n, op):
        if op.kind in ("create", "mkdir", "unlink", "rmdir", "rename",
                       "link"):
            self.change_names(op)
            return
        file = self.find(op.path)
        if op.kind == "sync":
            self.sync(file, op.since)
        elif file is not None:
            file.pending += ((n, op),)

    def change_names(self, op):
        where, name = self.parent(op.path)
        what = None
        if op.kind in ("rename", "link"):
            to, what = self.parent(op.data)
            if to is not where:
                raise ValueError("a rename between two directories")
        elif op.kind == "mkdir":
            what = Dir()
        elif op.kind == "create":
            what = File()
            what.created = len(self.log)
        self.log.append((where, op.kind, name, what))

    def sync(self, what, since):
        """Covers operations whose number is below `since`."""
        logged = self.points[since][0]
        if isinstance(what, Dir):
            what.forced = max(what.forced, logged)
            self.forced = max(self.forced, logged)
        elif what is not None:
            done = [op for n, op in what.pending if n < since]
            if done:
                what.durable = apply(what.durable, done)
                what.version += 1
                what.pending = tuple(p for p in what.pending
                                     if p[0] >= since)
            if what.created is not None:
                self.forced = max(self.forced, what.created + 1)

    # ---- the states of one moment ----

    def keep_point(self):
        """Remember what survives surely, and what may, at this moment."""
        dirs, files, todo = [], {}, [self.top]
        logged = [what for _, _, _, what in self.log
                  if isinstance(what, (Dir, File))]
        while todo:
            what = todo.pop()
            if isinstance(what, Dir):
                dirs.append(what)
                todo += what.base.values()
            else:
                files[what] = what.durable, what.pending, what.version
            if not todo:
                todo, logged = logged, []
        self.points.append((len(self.log), self.forced,
                            {d: d.forced for d in dirs}, files))

    def cuts(self, point, rng):
        """Which beginnings of the log survive: a length, or in the loose
        model one for each directory, as ((directory, length), ...)."""
        length, least, forced, _ = self.points[point]
        if self.names == "journal":
            return list(range(least, length + 1))
        every = {d: length for d in forced}
        out = [every, forced]
        for d in forced:
            out.append({**every, d: forced[d]})
            out.append({e: rng.randint(f, length) for e, f in forced.items()})
        return [tuple(c.items()) for c in out]

    def tree(self, cut):
        """{path: File or Dir} of the names that survive."""
        if cut in self.trees:
            return self.trees[cut]
        if isinstance(cut, int):
            log = self.log[:cut]
        else:
            upto = dict(cut)
            log = [e for n, e in enumerate(self.log) if n < upto.get(e[0], 0)]
        out, todo = {}, [("", self.top)]
        while todo:
            path, where = todo.pop()
            for name, what in self.entries(where, log).items():
                out[path + name] = what
                if isinstance(what, Dir):
                    todo.append((path + name + "/", what))
        self.trees[cut] = out
        return out

    def states(self, point, seed):
        """The states of one moment: (point, cut, kind, number, place), where
        `number` is the write that the kind singles out."""
        rng = random.Random(f"{seed}/{point}")
        files = self.points[point][3]
        for cut in self.cuts(point, rng):
            unsynced = [f for f in self.tree(cut).values()
                        if isinstance(f, File) and files[f][1]]
            yield point, cut, "all", -1, 0
            pending = [p for f in unsynced for p in files[f][1]]
            if not pending:
                continue
            yield point, cut, "none", -1, 0
            if len(pending) > SINGLED_OUT:
                pending = rng.sample(pending, SINGLED_OUT)
            for n, op in pending:
                yield point, cut, "all but one", n, 0
                yield point, cut, "only one", n, 0
                first = SECTOR - op.at % SECTOR
                places = range(first, len(op.data), SECTOR)
                for place in rng.sample(places, min(2, len(places))):
                    yield point, cut, "torn, front", n, place
                    yield point, cut, "torn, back", n, place
            for f in unsynced:
                yield point, cut, "zeros", files[f][1][-1][0], 0

    def content(self, state, file):
        """(key, operations): what is applied to the durable bytes; files of
        equal keys hold equal bytes."""
        point, _, kind, number, place = state
        _, pending, version = self.points[point][3][file]
        if kind == "none":
            kept = []
        elif kind == "all but one":
            kept = [op for n, op in pending if n != number]
        elif kind == "only one":
            kept = [op for n, op in pending if n == number]
        elif kind == "torn, front":  # what came later is lost altogether
            kept = [op if n < number else op._replace(data=op.data[:place])
                    for n, op in pending if n <= number]
        elif kind == "torn, back":
            kept = [op if n != number else
                    op._replace(data=op.data[place:], at=op.at + place)
                    for n, op in pending]
        elif kind == "zeros" and pending and pending[-1][0] == number:
            kept = [op._replace(data=bytes(len(op.data)))
                    if op.kind == "write" else op for _, op in pending]
        else:
            kept = [op for _, op in pending]
        numbers = {n for n, _ in pending}
        if kind == "torn, front":
            change = number, place
        else:
            change = (kind, number, place) if number in numbers else kind
        last = pending[-1][0] if pending else -1
        return (id(file), version, len(pending), last, change), kept

    def files(self, state):
        """{path: bytes or None}: the state itself."""
        files = self.points[state[0]][3]
        return {path: (None if isinstance(f, Dir) else
                       apply(files[f][0], self.content(state, f)[1]))
                for path, f in self.tree(state[1]).items()}

    def digest(self, state):
        """Equal for states that hold the same bytes under the same names."""
        files = self.points[state[0]][3]
        h = hashlib.blake2b(digest_size=16)
        for path, f in sorted(self.tree(state[1]).items()):
            h.update(path.encode() + b"\0")
            if isinstance(f, Dir):
                continue
            key, kept = self.content(state, f)
            if key not in self.digests:
                data = apply(files[f][0], kept)
                self.digests[key] = hashlib.blake2b(
                    data, digest_size=16).digest()
            h.update(self.digests[key])
        return h.digest()

    def choose(self, count, seed):
        """(states, how many were looked at): up to `count` distinct ones, of
        all moments, half of them with a write singled out."""
        rng = random.Random(seed)
        plain, single = [], []
        for point in range(len(self.points)):
            for state in self.states(point, seed):
                (single if state[3] >= 0 else plain).append(state)
        rng.shuffle(plain)
        rng.shuffle(single)
        order = [s for pair in zip(plain, single) for s in pair]
        order += plain[len(single):] + single[len(plain):]
        seen, out = set(), []
        for looked, state in enumerate(order, 1):
            digest = self.digest(state)
            if digest not in seen:
                seen.add(digest)
                out.append(state)
                if len(out) == count:
                    break
        self.digests.clear()
        return out, looked
