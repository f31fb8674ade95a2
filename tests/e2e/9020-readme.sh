#!/bin/bash
# Every command and query that the README shows runs, in the order of the page,
# in one empty directory.  Fenced blocks of sh and python are run, those of sql
# given to the sqlite3 shell for the newest job.  Blocks that build, install or
# test the program are left out, as are those below a line
# "<!-- not run: REASON -->".  A line that ends in "# exits N" exits so.
. "$(dirname "$0")/lib.sh"
need sqlite3

mkdir bin run
ln -s "$SHARDMILL" bin/shardmill
ln -s "$PYTHON" bin/python3
export PATH=$dir/bin:$PATH

"$PYTHON" - "$tests/../README.md" <<'PY' || fail "README"
import re, subprocess, sys, os, glob
text = open(sys.argv[1], encoding="utf-8").read().splitlines()
blocks, n = [], 0
while n < len(text):
    m = re.match(r"^```(\w+)$", text[n])
    if m:
        above = next((t for t in reversed(text[:n]) if t.strip()), "")
        first = n
        n += 1
        body = []
        while not text[n].startswith("```"):
            body.append(text[n])
            n += 1
        if not above.startswith("<!-- not run"):
            blocks.append((m[1], first + 1, "\n".join(body) + "\n"))
    n += 1
ran = 0
for kind, line, body in blocks:
    if re.search(r"^\s*(cmake|git clone|(sudo )?apt|tools/|tests/|\.ci/)", body,
                 re.M):
        continue
    env = dict(os.environ)
    if kind == "sql":
        jobs = glob.glob("run/**/job.db", recursive=True)
        if not jobs:
            sys.exit(f"line {line}: a query before there is a job")
        newest = max(jobs, key=os.path.getmtime)
        command = ["sqlite3", "-bail", "-cmd", ".timeout 10000",
                   os.path.relpath(newest, "run")]
    elif kind in ("sh", "bash"):
        command = ["bash", "-e", "-o", "pipefail"]
    elif kind == "python":
        command = ["python3"]
    else:
        continue
    # With an expected status, the rest of the block goes on.
    body = re.sub(r"^(.*\S)\s+# exits (\d+)$",
                  r"{ \1; } || [ $? = \2 ]", body, flags=re.M)
    r = subprocess.run([*command] + (["/dev/stdin"] if kind != "sql" else []),
                       input=body.encode(), cwd="run",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=250)
    if r.returncode:
        sys.exit(f"line {line}: exit {r.returncode}\n{body}"
                 f"---\n{r.stdout.decode(errors='replace')}")
    ran += 1
if ran < 3:
    sys.exit(f"only {ran} blocks were run")
print(ran, "blocks")
PY
