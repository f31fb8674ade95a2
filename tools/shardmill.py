"""Batches of `shardmill exec --serve` in Python: one process, many batches.

    import shardmill                      # first: it moves print to stderr
    model = load_model()                  # once
    for batch in shardmill.batches():
        for line in batch:                # its lines, numbers or item
            batch.write(model(line))      # str or bytes; no newline is added

    shardmill exec -o out.gz --input in.jsonl --lines 5000 --serve -- \\
        env PYTHONPATH="$(shardmill python-path)" python3 model.py

An exception in the body of that loop ends the process: the batch has failed,
and the next one starts another process.  To keep the process, write

    for batch in shardmill.batches():
        with batch:
            ...

or `shardmill.serve(function)`, which calls function(batch) in the same way: the
batch fails with the exception's last line, its traceback is in the batch's
standard error, and the loop goes on.  This file needs Python 3.6 and nothing
else, and may be copied.
"""
import json
import os
import sys
import traceback

__all__ = ["Batch", "batches", "serve"]

_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": "\n"}
_asks = _answers = _batch = None

if "SHARDMILL_SERVE" in os.environ:
    # Standard output is for answers, standard input for requests: neither is
    # for print(), input() and child processes.
    _asks, _answers = open(os.dup(0), "rb"), os.dup(1)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


class Batch:
    """One batch.  Iterating gives its lines (each with its newline), its item,
    or its numbers; `first` and `end` are its range, `number` its own number,
    `attempt` counts tries from 1, `slot` is this process's, from 0."""

    def __init__(self, ask):
        self.number, self.attempt = ask["batch"], ask["attempt"]
        self.first, self.end = ask["first"], ask["end"]
        self.slot, self.item = ask["slot"], ask["item"]
        self.input = ask["input"]       # a named pipe to read once, or None
        self._lines, self._answered = None, False
        self.out = ask.get("out")       # of --to: the file to make, or None
        self.output = (open(ask["output"], "wb")    # binary, buffered
                       if ask["output"] else None)

    def __iter__(self):
        if self.input is not None:
            self._lines = self._lines or open(self.input, **_TEXT)
            return iter(self._lines)
        return iter([self.item] if self.item is not None
                    else range(self.first, self.end))

    def write(self, data):
        """Add str (as UTF-8) or bytes to the output; print(file=batch) too."""
        if self.output is None:
            raise ValueError("this job has no text; a file is batch.out")
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        self.output.write(data)

    def flush(self):
        """For print(flush=True); what is written arrives in any case."""
        if self.output:
            self.output.flush()

    def fail(self, text):
        """Make the batch fail with these words; it may be tried again."""
        self._answer("error " + " ".join(str(text).split()))

    def _answer(self, text):
        if self._answered:
            return
        self._answered = True
        try:
            if self.output:
                self.output.close()
        except OSError as e:            # shardmill has given it up
            text = text if text != "ok" else "error cannot write: %s" % e
        if self._lines:
            self._lines.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(_answers,
                 text.encode("utf-8", "replace")[:2000] + b"\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self._answer("ok")
        elif issubclass(kind, Exception):
            traceback.print_exception(kind, value, trace)
            line = traceback.format_exception_only(kind, value)[-1].strip()
            at = traceback.extract_tb(trace)[-1]
            self.fail("%s (%s, line %d)"
                      % (line, os.path.basename(at[0]), at[1]))
        else:
            return False                # exit, interrupt: the process ends
        return True


def _forked():
    """The output ends when nobody has it open: a forked child has not."""
    if _batch and _batch.output and not _batch.output.closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _batch.output.fileno())


if _asks and hasattr(os, "register_at_fork"):       # Python 3.7
    os.register_at_fork(after_in_child=_forked)


def batches():
    """Yield the batches that shardmill asks for, until there are no more."""
    global _batch
    if _asks is None:
        raise RuntimeError("this runs under 'shardmill exec --serve'")
    for line in _asks:
        _batch = Batch(json.loads(line.decode("ascii")))
        yield _batch
        _batch._answer("ok")


def serve(function):
    """Call function(batch) for each batch; what it raises fails the batch."""
    for batch in batches():
        with batch:
            function(batch)
