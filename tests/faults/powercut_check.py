"""Resume from a state that a power cut left, and judge what came of it.

A violation is a pair of a word and what was seen:

    torn     the final file was neither the old one nor the new one
    lost     a row was done, and its shard was not whole under either name
    exit     the same command, run again, did not end with 0
    bytes    the final file differs from that of an undisturbed run
    again    a batch that was done was made again
    twice    a batch was committed more often than it was put back
    row      a row that is not done, or not as its shard is
    litter   a temporary file is left
    verify   the program's own verify finds something
"""
import gzip
import hashlib
import os
import shutil
import sqlite3
import subprocess
import zlib

DATABASE = ("job.db", "job.db-wal", "job.db-journal")


def rows_of(path):
    """{batch: (state, token, gz_bytes, gz_crc32, generation, at)} and {batch:
    commits}; both empty if there is no job.  `at` is where the final file of
    that generation has the batch; None: it has not."""
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    try:
        if not db.execute("SELECT 1 FROM job").fetchone():
            return {}, {}
        return ({r[0]: r[1:] for r in db.execute(
                    "SELECT id, state, token, gz_bytes, gz_crc32, "
                    "(SELECT generation FROM job), "
                    "iif(joined = token, joined_at, NULL) FROM batch")},
                dict(db.execute("SELECT batch, count(*) FROM attempt "
                                "WHERE outcome = 'done' GROUP BY batch")))
    except sqlite3.Error:
        return {}, {}
    finally:
        db.close()


def is_whole(data, row):
    """Are these the bytes of the batch, in a shard or in a final file?"""
    return (data is not None and len(data) == row[2]
            and zlib.crc32(data) == row[3])


def body_of(shard, row):
    """The batch's bytes in a shard file, which is a whole gzip file, or None."""
    if not shard:
        return None
    try:
        gzip.decompress(shard)
    except (OSError, EOFError, zlib.error):
        return None
    return shard[10:10 + row[2]]


def in_final(read, final, row):
    """The batch's bytes in the final file, growing or finished, or None;
    `read` gives the bytes of a file."""
    generation, at = row[4], row[5]
    if not generation or at is None:
        return None
    part = f"{final}.part" + (f".{generation}" if generation > 1 else "")
    data = read(part)
    if data is None:
        data = read(final)
    return data and data[at:at + row[2]]


def read_file(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


class Checker:
    """`scene` has root, final and job (paths), shardmill, resume (argv),
    wanted and may_be (final files), keeps (must nothing that is done be
    lost?), commits ({batch: how many there may be}, one if not named)."""

    def __init__(self, scene, scratch):
        self.scene = scene
        self.scratch = scratch
        self.known = {}

    def rows_in(self, files):
        """The rows of a state, without touching it."""
        job = os.path.relpath(self.scene.job, self.scene.root)
        parts = {n: files.get(f"{job}/{n}") for n in DATABASE}
        if not parts["job.db"]:
            return {}
        key = tuple(p and hashlib.blake2b(p).digest() for p in parts.values())
        if key not in self.known:
            shutil.rmtree(self.scratch, ignore_errors=True)
            os.mkdir(self.scratch)
            for name, data in parts.items():
                if data is not None:
                    with open(f"{self.scratch}/{name}", "wb") as f:
                        f.write(data)
            self.known[key] = rows_of(f"{self.scratch}/job.db")[0]
        return self.known[key]

    def before(self, files):
        """What must hold in the state itself."""
        path = os.path.relpath(self.scene.final, self.scene.root)
        final = files.get(path)
        if final not in self.scene.may_be:
            yield "torn", ("there is no final file" if final is None else
                           f"a final file of {len(final)} bytes")
        if not self.scene.keeps:
            return
        shards = os.path.relpath(self.scene.job, self.scene.root) + "/shards"
        for batch, row in self.rows_in(files).items():
            names = f"{batch:06}.gz", f"{batch:06}.{row[1]}.tmp"
            if row[0] == "done" and not any(
                    is_whole(body_of(files.get(f"{shards}/{n}"), row), row)
                    for n in names) and not is_whole(
                        in_final(files.get, path, row), row):
                yield "lost", f"batch {batch}"

    @staticmethod
    def lay(files, root):
        for name in os.listdir(root):
            path = os.path.join(root, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        for name in sorted(files):
            path = os.path.join(root, name)
            if files[name] is None:
                os.mkdir(path)
            else:
                with open(path, "wb") as f:
                    f.write(files[name])
        # A disk keeps the inodes that the note of a growing file names.
        for name in files:
            if name.endswith(".job/growing") and files[name]:
                _, part = files[name].decode().rstrip("\n").split(" ", 1)
                if os.path.exists(part):
                    with open(os.path.join(root, name), "w",
                              encoding="utf-8") as f:
                        f.write(f"{os.stat(part).st_ino} {part}\n")

    def run(self, argv):
        """None, or what went wrong."""
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=60,
                                  stdout=subprocess.PIPE, check=False,
                                  stderr=subprocess.STDOUT, cwd="/")
        except subprocess.TimeoutExpired:
            return "does not end"
        text = done.stdout.decode(errors="replace").strip()
        return None if done.returncode == 0 else f"{done.returncode}: {text}"

    def after(self, was, finished):
        """What must hold when the job was resumed; `was`: rows of before;
        `finished`: all was there before, and nobody looked at the shards."""
        final, shards = self.scene.final, self.scene.job + "/shards"
        with open(final, "rb") as f:
            if f.read() != self.scene.wanted:
                yield "bytes", os.path.basename(final)
        if finished:
            return
        rows, commits = rows_of(self.scene.job + "/job.db")
        names = sorted(os.listdir(shards))
        if names != ([] if self.scene.consumes else
                     [f"{b:06}.gz" for b in sorted(rows)]):
            yield "litter", " ".join(names)
        for what in self.scene.wrong_files():
            yield "file", what
        odd = [n for n in os.listdir(os.path.dirname(final)) if ".part" in n]
        if odd:
            yield "litter", " ".join(odd)
        for batch, row in rows.items():
            data = body_of(read_file(f"{shards}/{batch:06}.gz"), row)
            if data is None:
                data = in_final(read_file, final, row)
            if row[0] != "done" or not is_whole(data, row):
                yield "row", f"batch {batch} is {row[0]}"
            if not self.scene.keeps:
                continue
            old = was.get(batch)
            if old and old[0] == "done" and old[1] != row[1]:
                yield "again", f"batch {batch}"
            if commits.get(batch, 0) > self.scene.commits.get(batch, 1):
                yield "twice", f"batch {batch}: {commits[batch]} commits"

    def judge(self, files, verify):
        """The violations of one state; it is laid below the root first."""
        out = list(self.before(files))
        was = self.rows_in(files)
        self.lay(files, self.scene.root)
        wrong = self.run(self.scene.resume)
        if wrong:
            return out + [("exit", wrong)]
        final = os.path.relpath(self.scene.final, self.scene.root)
        finished = (not self.scene.keeps
                    and files.get(final) == self.scene.wanted
                    and all(r[0] == "done" for r in was.values()))
        out += self.after(was, finished)
        paths = [self.scene.final] + [self.scene.job] * (not finished)
        for what in paths if verify else ():
            wrong = self.run([self.scene.shardmill, "verify", what])
            if wrong:
                out.append(("verify", wrong))
        return out
