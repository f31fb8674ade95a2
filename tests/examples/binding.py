#!/usr/bin/env python3
"""binding.py LIBRARY SHARDMILL JOB FILE.gz: plans, runs and reads progress"""
import sys
from ctypes import *

lib, program, job, output = CDLL(sys.argv[1]), *map(str.encode, sys.argv[2:5])
u64, spare = c_uint64, lambda n: ("spare", c_uint64 * n)

def struct(*members):
    return type("Struct", (Structure,), {"_fields_": list(members)})

Err = struct(("code", c_int), ("sys", c_int), ("text", c_char * 1024))
Value = struct(("name", c_char_p), ("text", c_char_p))
Settings = struct(("workers", c_int), ("max_attempts", c_int),
    ("lease_s", c_double), ("sync", c_int), ("fail_fast", c_int),
    ("consume", c_int), spare(8))
Progress = struct(("phase", c_char_p), ("unit", c_char_p), ("done", u64),
    ("total", u64))            # and more, which is not looked at
On = CFUNCTYPE(None, POINTER(Progress), c_void_p)
Events = struct(("progress", On), ("notice", c_void_p), ("title", c_void_p),
    ("arg", c_void_p), ("stop", c_void_p), ("signal", c_void_p), spare(6))
Plan = struct(("kind", c_char_p), ("options", POINTER(Value)),
    ("command", POINTER(c_char_p)), ("settings", Settings),
    ("output", c_char_p), ("flags", c_bool * 5), ("parts", u64),
    ("trust", c_bool), ("events", Events), ("producer", c_void_p),
    ("producer_options", c_char_p), spare(14))
Run = struct(("worker_argv", POINTER(c_char_p)), ("settings", Settings),
    ("output", c_char_p), ("limits", c_void_p), ("follow", c_int),
    ("retry_failed", c_bool), ("max_failures", c_double),
    ("flags", c_bool * 2), ("events", Events), spare(16))
Result = c_char * 512          # more than any of the two results takes

def call(function, options):
    result, err = Result(), Err()
    if function(result, job, byref(options), byref(err)) < 0:
        sys.exit("binding.py: " + err.text.decode())
    getattr(lib, function.__name__ + "_result_release")(result)

def words(*w):
    return (c_char_p * (len(w) + 1))(*w)

def show(p, arg):
    print(p[0].phase.decode(), p[0].done, "of", p[0].total, flush=True)

on = On(show)
call(lib.sm_plan, Plan(kind=b"exec", output=output,
    options=(Value * 3)((b"range", b"500"), (b"size", b"5")),
    command=words(b"seq", b"{first}", b"{last}")))
call(lib.sm_run, Run(events=Events(progress=on),
    worker_argv=words(program, b"work", b"--control-fd", b"3", b".")))
