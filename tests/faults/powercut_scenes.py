"""The small jobs whose power is cut: what is run, and what it may leave.

A scene's directory `root` holds the final file and the job and nothing else;
what its command needs besides stands in `aside`, which no power cut touches.
"""
import gzip
import os
import shlex
import shutil
import sys

class Scene:
    """One run of `exec` with a letter for a command."""
    name = "exec"
    batches = 8
    rows = 300         # of one batch: several sectors of compressed text
    share = 4          # of all states
    sync = "shard"
    names = "journal"  # the model of the directories: powercut_disk.py
    options = ()
    commits = {}
    consumes = False   # shards are removed

    def __init__(self, shardmill, scratch):
        self.shardmill = shardmill
        self.root = f"{scratch}/{self.name}"
        self.aside = f"{scratch}/{self.name}.aside"
        self.final = self.root + "/out.gz"
        self.job = self.final + ".job"
        self.wanted, self.may_be = None, set()
        self.command = self.argv(2)
        self.resume = self.argv(1)

    @property
    def keeps(self):
        """Nothing done is lost, unless no file's sync keeps its name."""
        return self.sync == "shard" and self.names == "journal"

    def argv(self, workers, letter="A", *more):
        return [self.shardmill, "exec", "-o", self.final, "-j", str(workers),
                "--quiet", "--sync", self.sync, "--range",
                str(self.batches * self.rows), "--size", str(self.rows),
                *self.options,
                *more, "--", *self.program(letter)]

    def program(self, letter):
        return ["seq", "-f", letter + "%.0f", "{first}", "{last}"]

    def numbers(self, letter):
        """The text that this writes for all batches."""
        return "".join(f"{letter}{n}\n"
                       for n in range(self.batches * self.rows)).encode()

    def prepare(self, call):
        """What is there, and durable, before the run that is recorded."""
        del call
        for path in (self.root, self.aside):
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path)

    def check_text(self, final):
        if gzip.decompress(final) != self.numbers("A"):
            sys.exit(f"{self.name}: the undisturbed run wrote other text")

    def wrong_files(self):
        """Of those that the batches make."""
        return ()


class Files(Scene):
    """A file of each batch, of which the shard is the receipt."""
    name = "files"
    share = 2

    def __init__(self, *args):
        super().__init__(*args)
        self.made = self.root + "/made"
        self.options = ("--to", self.made, "--suffix", ".txt")
        self.command, self.resume = self.argv(2), self.argv(1)

    def program(self, letter):
        return ["sh", "-c", f'exec seq -f {letter}%.0f "$1" "$2" >"$3"', "sh",
                "{first}", "{last}", "{out}"]

    def check_text(self, final):
        wrong = list(self.wrong_files())
        if wrong:
            sys.exit(f"{self.name}: the undisturbed run made {wrong}")

    def wrong_files(self):
        want = {f"{b:06}.txt": "".join(
            f"A{n}\n" for n in range(b * self.rows, (b + 1) * self.rows))
            for b in range(self.batches)}
        for name in sorted({*want, *os.listdir(self.made)} - {".shardmill"}):
            try:
                with open(f"{self.made}/{name}", encoding="ascii") as f:
                    if f.read() != want.get(name):
                        yield f"{name} has other text"
            except OSError as e:
                yield f"{name}: {e.strerror}"


class SyncEnd(Scene):
    """No shard is synced: what a power cut takes is found and made again."""
    name = "sync-end"
    share = 4
    sync = "end"


class Loose(Scene):
    """A name is durable by its directory's sync alone."""
    name = "loose"
    share = 2
    names = "loose"


class NetworkFs(Scene):
    """A rollback journal in place of the log."""
    name = "network-fs"
    share = 2
    options = ("--network-fs",)


class Again(Scene):
    """All batches made a second time by another command, over the shards and
    the final file of the first, which have the same sizes."""
    name = "again"
    letter = "B"
    commits = {n: 2 for n in range(Scene.batches)}

    def __init__(self, *args):
        super().__init__(*args)
        self.command = self.argv(2, self.letter, "--accept-changed")
        self.resume = self.argv(1, self.letter, "--accept-changed")

    def prepare(self, call):
        super().prepare(call)
        call(self.argv(2))
        call([self.shardmill, "retry", self.job, "--all"])

    def check_text(self, final):
        if gzip.decompress(final) != self.numbers(self.letter):
            sys.exit(f"{self.name}: the undisturbed run wrote other text")


class AgainSyncEnd(Again):
    """The same, with other sizes."""
    name = "again-end"
    letter = "other-"
    share = 2
    sync = "end"


class Consume(Scene):
    """Shards are removed as they are joined: those of 16 batches, once the
    index note about them is durable."""
    name = "consume"
    batches = 20
    rows = 150
    options = ("--consume",)
    consumes = True


class ConsumeEnd(Consume):
    """The same, with shards that are not synced."""
    name = "consume-end"
    sync = "end"
    share = 2


class ConsumeLoose(Consume):
    """The same as consume, on a disk that keeps no name by a file's sync."""
    name = "consume-loose"
    names = "loose"
    share = 2


class ConsumeAgain(Consume):
    """Some of the removed ones made again, with other bytes."""
    name = "consume-again"
    commits = {2: 2, 7: 2}

    def __init__(self, *args):
        super().__init__(*args)
        self.command = self.argv(2, "B", "--accept-changed")
        self.resume = self.argv(1, "B", "--accept-changed")

    def prepare(self, call):
        super().prepare(call)
        call(self.argv(2))
        call([self.shardmill, "retry", self.job, "--batch", "2,7"])

    def check_text(self, final):
        want = self.numbers("A").splitlines(True)
        other = self.numbers("B").splitlines(True)
        for n in self.commits:
            rows = slice(n * self.rows, (n + 1) * self.rows)
            want[rows] = other[rows]
        if gzip.decompress(final) != b"".join(want):
            sys.exit(f"{self.name}: the undisturbed run wrote other text")


class Restart(Again):
    """--restart deletes the job and begins again; killed, it does so again."""
    name = "restart"
    share = 2
    commits = {}

    def __init__(self, *args):
        super().__init__(*args)
        self.command = self.argv(2, "B", "--restart", "--yes")
        self.resume = self.argv(1, "B", "--restart", "--yes")

    @property
    def keeps(self):
        return False


class Steps(Scene):
    """plan, run and finalize, each typed by itself."""
    name = "steps"
    share = 2

    def argv(self, workers, letter="A", *more):
        plan = [self.shardmill, "plan", self.job, "exec", "--quiet", "--range",
                str(self.batches * self.rows), "--size", str(self.rows), "--",
                *self.program(letter)]
        run = [self.shardmill, "run", self.job, "-j", str(workers), "--quiet"]
        finalize = [self.shardmill, "finalize", self.job, "-o", self.final]
        return ["sh", "-c", " && ".join(map(shlex.join,
                                            (plan, run, finalize)))]


class Recover(Scene):
    """The database is gone, and two shards with it."""
    name = "recover"
    share = 2

    def __init__(self, *args):
        super().__init__(*args)
        recover = shlex.join([self.shardmill, "recover", self.job])
        self.command = ["sh", "-c",
                        recover + " && " + shlex.join(self.argv(2))]
        # It refuses a database that is whole.
        self.resume = ["sh", "-c", recover + "; " + shlex.join(self.argv(1))]

    def prepare(self, call):
        super().prepare(call)
        call(self.argv(2))
        for name in ("job.db", "job.db-wal", "job.db-shm",
                     "shards/000001.gz", "shards/000006.gz", "../out.gz"):
            if os.path.exists(f"{self.job}/{name}"):
                os.unlink(f"{self.job}/{name}")


class Edits(Scene):
    """A person puts back batch 2 while it is made, and its worker goes on
    only when another one has made it; and batch 0 when it is done."""
    name = "edits"
    commits = {0: 2}
    SCRIPT = """\
sql() { sqlite3 -cmd '.timeout 20000' "$job" "$@"; }
job=%s/job.db
case $SHARDMILL_BATCH in
2)	if mkdir "%s/mark2" 2>/dev/null; then
		sql "UPDATE batch SET state = 'pending' WHERE id = 2"
		until [ "$(sql 'SELECT state FROM batch WHERE id = 2')" = done ]
		do sleep 0.02; done
	fi ;;
5)	if mkdir "%s/mark5" 2>/dev/null; then
		until [ "$(sql 'SELECT state FROM batch WHERE id = 0')" = done ]
		do sleep 0.02; done
		sql "UPDATE batch SET state = 'pending' WHERE id = 0"
	fi ;;
esac
exec seq -f A%%.0f "$1" "$2"
"""

    def program(self, letter):
        return ["sh", self.aside + "/make", "{first}", "{last}"]

    def prepare(self, call):
        super().prepare(call)
        with open(self.aside + "/make", "w", encoding="ascii") as f:
            f.write(self.SCRIPT % (self.job, self.aside, self.aside))


class Candidates(Scene):
    """Two arrays, whose keys and vocabulary are compiled into tables."""
    name = "candidates"
    SETTINGS = ("--min-candidates", "1", "--batch-rows", "8")

    def __init__(self, shardmill, scratch, tests):
        self.tests = tests
        super().__init__(shardmill, scratch)

    def inputs(self):
        with open(self.aside + "/data/args", encoding="utf-8") as f:
            return f.read().splitlines()

    def argv(self, workers, letter="A", *more):
        return [self.shardmill, "candidates", "-o", self.final, "-j",
                str(workers), "--quiet", "--sync", self.sync, *self.SETTINGS]

    def prepare(self, call):
        super().prepare(call)
        call([sys.executable, self.tests + "/nasty.py", "--plain", "64", "30",
              "1", self.aside + "/data"])
        self.command = self.argv(2) + self.inputs()
        self.resume = self.argv(1) + self.inputs()
        call([sys.executable, self.tests + "/oracle.py", "-j", "1", "-o",
              self.aside + "/want.gz", *self.SETTINGS[:2], *self.inputs()])

    def check_text(self, final):
        with gzip.open(self.aside + "/want.gz") as f:
            if gzip.decompress(final) != f.read():
                sys.exit(f"{self.name}: the undisturbed run wrote other text")


def all_scenes(shardmill, scratch):
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    plain = (Scene, Files, Edits, SyncEnd, Again, AgainSyncEnd, Restart, Loose,
             Consume, ConsumeEnd, ConsumeLoose, ConsumeAgain, Steps, Recover, NetworkFs)
    return ([s(shardmill, scratch) for s in plain]
            + [Candidates(shardmill, scratch, tests)])
