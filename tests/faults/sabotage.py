"""sabotage.py - a test that cannot fail proves nothing

    sabotage.py [NAME...]
    sabotage.py check       builds nothing: does what is to go still stand?

Builds with one protection taken out, each of which the test that is named with
it must catch, by the finding that is to come of just that: a test that finds
something else, that breaks, or that only takes too long has not caught it.  The
same tests pass on the build as it is, which is tried first.  Protections
against power cuts have builds of their own (powercut.sh).
"""
import os
import re
import signal
import subprocess
import sys
import time

import lab
import tree


def fault(script, *args, count=40):
    return ("fault", script, args, count)


def answers(*names):
    return fault("answers.py", *names)


def e2e(name):
    return ("e2e", name, (), 0)


RESUME = fault("kills.py", "points", "resume", count=24)
WHOLE = fault("kills.py", "points", "whole", count=60)
RECOVER = fault("kills.py", "points", "recover", count=20)
FINALIZE = fault("kills.py", "points", "finalize", count=40)
ROT = fault("kills.py", "points", "rot", count=20)
CONSUME = fault("kills.py", "points", "unfollowed", count=80)
REWRITE = fault("kills.py", "points", "rewrite-half", count=40)
POWER = e2e("2310-power-cut-consume")
ZOMBIES = fault("zombies.py", count=30)
EDITS = fault("edits.py", count=60)

ELSEWHERE = e2e("2205-final-elsewhere")
GROWING = e2e("2235-growing-input")
CLOCK = e2e("3065-clock-steps")
FILES = e2e("1220-files")
INPUTS = e2e("1170-inputs")
MORE_INPUTS = e2e("1172-extend-inputs")

# name: file, what stands there, what takes its place, the test, and what a
# finding of that test must look like (a regular expression)
SABOTAGE = {
    "no_guard": (
        "src/store/batch_end.c", "/* The guard: what every",
        "#define SABOTAGE_no_guard\n/* The guard: what every", ZOMBIES,
        "late write"),
    "shared_tmp_name": (
        "src/format/gzip/shard.h", "#define SM_SHARD_NAME_MAX",
        "#define SABOTAGE_shared_tmp_name\n#define SM_SHARD_NAME_MAX",
        fault("zombies.py", "shard.created", "shard.before_sync", count=60),
        "one took the other's file"),
    "file_unlooked": (
        "src/engine/job/startcheck.c",
        "ret = sm_files_is(&has, &h->files, row, err);", "has = true;", FILES,
        "the file of batch"),
    "file_unmarked": (
        "src/engine/job/files.c", "if (ret < 0 || owner >= OWNER_OLD)\n"
        "\t\treturn ret;\n\tif (owner == OWNER_OTHER)",
        "if (1)\n\t\treturn ret;\n\tif (owner == OWNER_OTHER)", FILES,
        "exit 0, not 7"),
    "file_left": (
        "src/engine/run/rescue.c",
        "sm_files_remove_tmp(&h->files, b->piece.id, b->piece.token);", "",
        FILES, "files and the mark"),
    "file_taken_at_work": (
        "src/engine/job/files.c",
        'if (job >= 0 && sm_lock_held(job, "run.lock") > 0)', "if (0)",
        e2e("1222-files-others"), "exit 0, not 8"),
    "rename_before_guard": (
        "src/engine/run/work.c",
        "int ret = sm_batch_complete(&held, w->h.db, &w->b, &w->made, now, "
        "err); if (ret < 0) return ret; "
        "if (held) return sm_shard_publish(w->shard, err);",
        "int ret = sm_shard_publish(w->shard, err);\n\n"
        "\tif (ret == 0)\n"
        "\t\tret = sm_batch_complete(&held, w->h.db, &w->b, &w->made,\n"
        "\t\t\t\t\tnow, err);\n"
        "\tif (ret < 0 || held)\n\t\treturn ret;",
        fault("zombies.py", "work.produced", "shard.after_sync", count=30),
        "late write"),
    "mark_first": (
        "src/engine/run/work.c",
        "if (held) return sm_shard_publish(w->shard, err);",
        "if (held) {\n\t\tret = sm_db_commit(w->h.db, err);\n"
        "\t\tif (ret == 0)\n\t\t\tret = sm_shard_publish(w->shard, err);\n"
        "\t\treturn ret < 0 ? ret : sm_db_begin_write(w->h.db, err);\n\t}",
        WHOLE,
        "done without a shard"),
    "no_start_check": (
        "src/engine/run/run.c", "/* Shards that rot",
        "#define SABOTAGE_no_start_check\n/* Shards that rot", RESUME,
        "is damaged: findings"),
    "no_rename_completion": (
        "src/engine/job/startcheck.c", "struct tmp_file {",
        "#define SABOTAGE_no_rename_completion\nstruct tmp_file {", RESUME,
        r"\(batch, commits\): \[\(0, 2\)"),
    "final_in_place": (
        "src/engine/join/grow.c",
        "sm_consumed_part_name(path, g->generation),",
        "access(path, F_OK) == 0 ? strdup(path) :\n"
        "\t\tsm_consumed_part_name(path, g->generation),",
        ELSEWHERE,
        r"path: FAIL: 'old' and 'mnt/f.gz' differ"),
    "directory_unlooked": (
        "src/engine/join/choose.c",
        "if (S_ISDIR(st.st_mode))",
        "if (S_ISDIR(st.st_mode) && 0)",
        ELSEWHERE,
        "directory: FAIL: .* is a directory' is not in err"),
    "joiner_trusts_shards": (
        "src/final/final.c", "if (crc != expect->sizes.gz_crc32)",
        "if (!name)", ROT,
        "the final file differs"),
    "joiner_mends_nothing": (
        "src/engine/join/write.c",
        "if (ret == SM_EVERIFY) {",
        "if (ret == SM_EVERIFY && 0) {",
        ROT,
        "rot undisturbed: exit 9: "),
    "publish_without_look": (
        "src/engine/join/write.c",
        "int ret = sm_rows_digest(&now, j->from, UINT64_MAX, err);",
        "int ret = (now.all = true, now.digest = j->g->digest, 0);",
        EDITS,
        "exit 0 with .* put back"),
    "complete_by_size": (
        "src/engine/join/published.c",
        "*complete = ret == 0 && now.all && now.digest == p.digest;",
        "*complete = ret == 0;", EDITS,
        "an older file was called complete"),
    "interruptions_count": (
        "src/engine/run/rescue.c",
        "if (ret == 0 && found && r->counts)", "if (ret == 0 && found)",
        answers("rebooted"),
        "rebooted: exit 1, not 0"),
    "rescue_leaves_file": (
        "src/engine/run/rescue.c", "unlinkat(h->dir.shards_fd, name, 0);", "",
        WHOLE,
        r"left behind: .*\.tmp"),
    "rescue_keeps_worker": (
        "src/engine/run/rescue.c",
        "ret = sm_worker_end(db, r->w->id, now, err);", "ret = 0;", WHOLE,
        "workers not ended"),
    "nobody_watches": (
        "src/engine/run/watch.c", "if (it->still_ms < w->lease_ms) return;",
        "return;", e2e("3060-stopped-worker"),
        "waited too long for: gone"),
    "rowless_unwatched": (
        "src/engine/run/watch.c", "w->ticked_ms = now_ms; watch_scan(w);",
        "w->ticked_ms = now_ms;\n\t(void)watch_scan;",
        fault("zombies.py", "db.begun", "db.committed", count=60),
        "waited too long: the stopped worker is killed"),
    "no_run_lock": (
        "src/base/lock.c", "if (ret > 0) { *fd = f;",
        "if (ret >= 0) {\n\t\t*fd = f;",
        e2e("3000-two-supervisors"), "exit 124, not 8: timeout 30"),
    "free_marks_believed": (
        "src/engine/job/reach.c",
        "if (sm_byte_held(fd, (uint64_t)reach_at(place)) != 0)", "if (1)",
        e2e("3095-two-mounts"), "exit 0, not 7: sm status"),
    "totals_unkept": (
        "schema/totals.sql", "WHEN NEW.state = 'done' AND OLD.state <> 'done'",
        "WHEN 0", WHOLE, "exit 9, not 0: shardmill verify"),
    "totals_of_edits_unkept": (
        "schema/totals.sql", "AFTER UPDATE ON batch WHEN OLD.state = 'done'",
        "AFTER UPDATE OF joined ON batch\nWHEN OLD.state = 'done'", EDITS,
        "exit 9, not 0: shardmill verify"),
    "attempts_stay_open": (
        "src/store/batch_end.c",
        "CLOSE_ATTEMPT \"outcome = 'running'\", b, t,",
        "CLOSE_ATTEMPT \"outcome = 'other'\", b, t,", WHOLE,
        "attempts not closed"),
    "inputs_unlooked": (
        "src/engine/job/inputs.c",
        "if (now.size != was->size || now.crc32 != was->crc32)",
        "if (0)", e2e("1010-changed"),
        "exit 0, not 7: sm run f.gz.job"),
    "growth_unseen": (
        "src/engine/job/inputs.c",
        "if (now.size != was->size || now.crc32 != was->crc32)",
        "if (now.size < was->size)", GROWING, "exit 0, not 7: sm run f.gz.job"),
    "gzip_sum_unlooked": (
        "src/source/gztext.c",
        "if (g->checked && sm_get_le(g->z.in, 4) != g->crc32)",
        "if (0)", INPUTS, "exit 0, not 3: sm exec -o n.gz --input bad.gz"),
    "final_body_unlooked": (
        "src/source/source.c", "if (crc == s->inside.gz_crc32)",
        "if (crc + 1 > 0)", INPUTS,
        "exit 0, not 7: sm run d.job|is damaged: batch' is not in"),
    "open_lines_believed": (
        "src/kind/exec/exec_produce.c",
        "if (ret == 0 && b->first >= 0 && lines != *rows)",
        "if (0)", INPUTS, "exit 0, not 7: sm exec -o open2.gz"),
    "headers_uncompared": (
        "src/source/source_plan.c",
        "if (p->header.len == p->head.len && "
        "memcmp(p->header.data, p->head.data, p->head.len) == 0)",
        "if (p->header.len == p->head.len)", INPUTS,
        "exit 0, not 3: sm exec -o other.gz"),
    "middle_may_grow": (
        "src/kind/exec/exec_inputs.c", "in->grows = !o->input[i + 1];",
        "in->grows = true;", MORE_INPUTS, "--extend is no way on"),
    "file_taken_for_stdin": (
        "src/engine/plan/compare.c",
        "(!in->path && strcmp(was.path, in->name) != 0);", "false;",
        MORE_INPUTS, "standard input for a file"),
    "retry_waits_a_day": (
        "src/store/batch.c", "WAKE \"not_before > ? + 3600\"",
        "WAKE \"not_before > ? + 360000\"", CLOCK,
        r"waited too long for: \[ -e r.gz"),
    "lease_by_the_wall": (
        "src/engine/run/watch.c",
        "if (passed > WATCH_LATE_MS) w->item[i].still_ms = 0; "
        "watch_look(w, &w->item[i], passed > WATCH_LATE_MS ? 0 : passed);",
        "static double last;\n\t\tdouble now = sm_clock_wall();\n"
        "\t\tif (i == 0 && last > 0)\n"
        "\t\t\tpassed = (uint64_t)((now - last) * 1000);\n"
        "\t\tlast = now;\n\t\twatch_look(w, &w->item[i], passed);", CLOCK,
        "other outcomes is .*stalled"),
    "own_file_unknown": (
        "src/engine/join/choose.c",
        "if (ret < 0 || (found && end.fingerprint == fingerprint))",
        "if (ret < 0)",
        answers("backup_back"), "exists and is not this job's"),
    "named_file_unread": (
        "src/engine/job/consumed.c", "if (*fd < 0 && errno == ENOENT) "
        "*fd = open(job->final_path, flags);", "",
        answers("backup_half_consumed"), "exit 9, not 0"),
    "damage_as_trouble": (
        "src/store/sql.c", "case SQLITE_CORRUPT: case SQLITE_NOTADB:",
        "case SQLITE_NOTADB:", answers("log_lost_beside_reader"),
        "log lost beside reader: exit status"),
    "shard_kept_by_name": (
        "src/format/gzip/shard.c",
        "renameat(s->dirfd, s->tmp, s->dirfd, s->name) < 0)",
        "(faccessat(s->dirfd, s->name, F_OK, 0) == 0 ?\n"
        "\t     unlinkat(s->dirfd, s->tmp, 0) :\n"
        "\t     renameat(s->dirfd, s->tmp, s->dirfd, s->name)) < 0)",
        answers("log_lost"), "shards that were kept"),
    "synced_again": (
        "src/base/file.c", "if (sync && fdatasync(fd) < 0)",
        "if (sync && fdatasync(fd) < 0 && fdatasync(fd) < 0)",
        answers("shard_sync_fails"), "fdatasync of .*, of which a sync failed"),
    "close_unlooked": (
        "src/base/file.c",
        "if (close(fd) < 0 && ret == 0 && errno != EINTR)",
        "if (close(fd) < 0 && 0)", answers("shard_close_fails"),
        "given up, and not removed"),
    "disk_for_ever": (
        "src/engine/run/work.c", "#define IO_FAILURES_MAX 3",
        "#define IO_FAILURES_MAX 5", answers("shard_syncs_fail"),
        r"files that failed: \(5, 5\)"),
    "unsynced_final_kept": (
        "src/engine/join/grow.c",
        "sm_grow_abandon(g);",
        "",
        answers("final_sync_fails"), "given up, and not removed"),
    "unguarded_heart": (
        "src/store/batch_end.c", "/* The guard: what every",
        "#define SABOTAGE_no_guard\n/* The guard: what every",
        answers("heart_stopped_fenced"), "shard and row"),
    # Nobody ever takes it for dead.
    "pid_is_life": (
        "src/engine/run/rescue.c", "if (rescue_is_excepted(w.id, except, n) ||",
        "if (kill((pid_t)w.pid, 0) == 0 ||\n"
        "\t\t    rescue_is_excepted(w.id, except, n) ||",
        answers("rebooted"), "rebooted: took longer than"),
    "recover_takes_all": (
        "src/engine/tend/recover.c",
        "if (sm_spec_made(r->p.spec, e->fingerprint, b->id))", "if (true)",
        RECOVER,
        "the final file differs"),
    "consume_unrecorded": (
        "src/engine/join/grow_record.c",
        "ret = sm_grow_record_rest(g, err);",
        "ret = 0;",
        CONSUME,
        "exit 9, not 0: shardmill verify"),
    "consume_without_sync": (
        "src/engine/join/grow_record.c",
        "if (sm_fault_errno(\"consume.sync\") == 0 && fdatasync(g->fd) == 0)",
        "if (sm_fault_errno(\"consume.sync\") == 0)",
        POWER,
        "consume: lost: batch"),
    "locks_dropped": (
        "src/store/dbfile.c", "return keep ? 0 : real_close(fd);",
        "return keep ? real_close(fd) : real_close(fd);",
        fault("answers.py"), "(batch, commits)"),
    "shared_pipe_name": (
        "src/kind/exec/exec_serve.c", '(int)(strlen(stem) - strlen(".tmp"))',
        "6", e2e("1202-serve-ends"), "^FAIL: stray: text"),
    "second_answer": (
        "src/kind/exec/command/serve.c",
        "const char *end = memchr(bytes, '\\n', len);\n\tstruct sm_err why;\n\n",
        "const char *end = memchr(bytes, '\\n', len);\n\tstruct sm_err why;\n\n"
        "\tif (len)\n\t\treturn;\n",
        e2e("1200-serve"), "^FAIL: second"),
    "output_until_answer": (
        "src/kind/exec/command/serve.c",
        "\tif (ret != 0 || t->phase != TURN_ANSWERED)\n\t\treturn;\n",
        "\tif (t->phase != TURN_ANSWERED)\n\t\treturn;\n",
        e2e("1200-serve"), "^FAIL: (lines|twice|early)"),
    "early_answer": (
        "src/kind/exec/command/serve.c",
        "\tturn_break(t, SM_COMMAND_STOP_MS);\n}\n\n"
        "static void\nturn_feed(",
        "}\n\nstatic void\nturn_feed(",
        e2e("1200-serve"), "^FAIL: unopened"),
    "input_not_anew": (
        "src/kind/exec/command/serve.c", "ret = ask->rewind(o->arg, err);",
        "ret = 0;", e2e("1200-serve"), "^FAIL: later"),
    "earlier_claim": (
        "src/store/batch_read.c", "AND w.slot = ? LIMIT 1",
        "AND w.slot = ? AND a.outcome = 'running' LIMIT 1",
        e2e("2130-outliving"), "^FAIL: .*outlived a kill"),
    "slot_by_hand": (
        "src/engine/run/worker_self.c",
        "!w->supervised && i < SM_LIVE_SLOTS",
        "false && i < SM_LIVE_SLOTS",
        e2e("1205-slots"), "^FAIL: slot of a worker by hand"),
    "rewrite_in_place": (
        "src/engine/join/grow.c",
        "if (ret < 0 || any)",
        "if (ret < 0)",
        REWRITE,
        # By the same command, by the one after it, or by what is made again.
        r"again: exit 9|exit 9, not 0: shardmill candidates|"
        r"\(batch, commits\): \[\(1, 2\), \(2, 2\)"),
}


def passes(test, program, log, limit=200):
    """Does the test find nothing wrong with this program?"""
    kind, name, args, count = test
    env = dict(os.environ, SHARDMILL=program, PYTHON=sys.executable,
               SEED=str(lab.SEED))
    env.pop("FAULTS_TABLE", None)
    env.pop("FAULTS_LONG", None)
    if kind == "e2e":
        argv = ["bash", os.path.join(lab.TESTS, "e2e", name + ".sh")]
    else:
        env["COUNT"] = str(count)
        argv = [sys.executable, os.path.join(lab.HERE, name), *args]
    with open(log, "w", encoding="utf-8") as out:
        p = subprocess.Popen(argv, env=env, stdout=out, stderr=out,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = p.wait(limit)
        except subprocess.TimeoutExpired:
            # TERM first: a script ends what it has started.
            for number in (signal.SIGTERM, signal.SIGKILL):
                os.killpg(p.pid, number)
                try:
                    p.wait(10)
                    break
                except subprocess.TimeoutExpired:
                    pass
            out.write("FAIL: takes too long\n")
            return False
    if code == 77:
        raise RuntimeError(f"{name} cannot run here")
    return code == 0


def finding(log, expected="^(VIOLATION|FAIL)"):
    """The first line that looks as expected, or None; a driver that breaks has
    found nothing."""
    with open(log, encoding="utf-8", errors="replace") as f:
        lines = [line.strip() for line in f]
    if any(line.startswith("Traceback") for line in lines):
        return None
    for line in lines:
        if re.search(expected, line):
            return line
    return None


def check():
    stale = 0
    for name, (path, old, new, *_) in SABOTAGE.items():
        with open(os.path.join(tree.ROOT, path), encoding="utf-8") as f:
            text = f.read()
        try:
            tree.replaced(path, text, old, new)
        except ValueError as e:
            stale += 1
            print(f"{name}: {e}")
    sys.exit(1 if stale else 0)


def main():
    if sys.argv[1:] == ["check"]:
        check()
    names = sys.argv[1:] or list(SABOTAGE)
    t = tree.Tree("-DSHARDMILL_TESTS=OFF")
    log = os.path.join(lab.base, "log")
    d = lab.Driver("sabotage")
    sound = {}
    try:
        for name in names:
            test = SABOTAGE[name][3]
            if test not in sound:
                sound[test] = passes(test, t.program, log)
                if not sound[test]:
                    print(f"VIOLATION sabotage: {test[1]} finds something in "
                          f"the build as it is: {finding(log)}")
                    d.violations += 1
        for name in names:
            path, old, new, test, expected = SABOTAGE[name]
            began = time.monotonic()
            before = t.replace(path, old, new)
            error = t.build()
            if error:
                sys.exit(f"{name} does not build: {error}")
            found = None
            if not passes(test, t.program, log):
                found = finding(log, expected)
            d.points += 1
            d.violations += found is None
            print(f"{'caught' if found else 'NOT CAUGHT':<11}{name:<24}"
                  f"{test[1]} {time.monotonic() - began:.0f} s: "
                  f"{(found or finding(log) or '?')[:140]}", flush=True)
            t.write(path, before)
        t.build()
    finally:
        t.remove()
    lab.finish(d)


if __name__ == "__main__":
    main()
