/*
 * slurm.c - write and submit the batch scripts of a job in parts
 *
 * The scripts, and the numbers of what was submitted, are files in the job
 * directory that belong to the program; the library leaves them alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "newfile.h"
#include "output.h"

#include "slurm.h"

#define ARGS_MAX 512

/* ------------------------------------------------------------- scripts -- */

/* What a job may be called: the directory's name, as far as it is tame. */
static void
slurm_job_name(char name[64], const struct sm_status *s)
{
	static const char tame[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *base = strrchr(s->job, '/');
	char *p;

	snprintf(name, 64, "%.60s", base ? base + 1 : s->job);
	for (p = name; *p; p++)
		if (!strchr(tame, *p))
			*p = '_';
}

/* "0-4,7,9-11": the parts that are not done. */
static void
slurm_list_parts(FILE *f, const struct sm_status *s)
{
	size_t i, end;
	const char *comma = "";

	for (i = 0; i < s->parts; i = end) {
		end = i + 1;
		if (s->part[i].done == s->part[i].total)
			continue;
		while (end < s->parts && s->part[end].done < s->part[end].total)
			end++;
		fprintf(f, end - i > 1 ? "%s%zu-%zu" : "%s%zu", comma, i,
			end - 1);
		comma = ",";
	}
}

static void
slurm_put_program(FILE *f)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		n = snprintf(path, sizeof(path), "shardmill");
	path[n] = '\0';
	sm_output_word(f, path);
}

static void
slurm_put_head(FILE *f, const struct sm_status *s, const char *suffix)
{
	char name[64];

	slurm_job_name(name, s);
	fprintf(f,
		"#!/bin/bash\n"
		"# Written by 'shardmill slurm', which writes it anew.  To be "
		"submitted from the\n"
		"# directory that it is in.\n"
		"#SBATCH --job-name=%s%s\n"
		"#SBATCH --requeue\n"
		"#SBATCH --open-mode=append\n",
		name, suffix);
}

char *
sm_slurm_array(const struct sm_status *s, struct sm_err *err)
{
	int digits = (int)(strlen(s->part[0].name) - strlen("part-"));
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		slurm_put_head(f, s, "");
		fputs("#SBATCH --array=", f);
		slurm_list_parts(f, s);
		fputs("\n#SBATCH --output=logs/slurm-%a.log\n"
		      "# A minute to finish the batches in hand before the "
		      "time limit.\n"
		      "#SBATCH --signal=B:TERM@60\n"
		      "cd \"${SLURM_SUBMIT_DIR:-.}\" || exit\n",
		      f);
		fprintf(f,
			"part=$(printf 'part-%%0%dd' "
			"\"${SLURM_ARRAY_TASK_ID:?}\")\n"
			"# exec: requests to stop come to this process.  A "
			"part that is done is left\n"
			"# alone, so that a task may be started again for "
			"whatever reason.\n"
			"exec ",
			digits);
		slurm_put_program(f);
		fputs(" run --takeover --quiet \\\n"
		      "\t-j \"${SLURM_CPUS_PER_TASK:-1}\" \"$part\"\n",
		      f);
	}
	if (!f || fclose(f) != 0) {
		free(text);
		text = NULL;
		sm_output_fail(err, SM_ENOMEM, "out of memory");
	}
	return text;
}

char *
sm_slurm_finalize(const struct sm_status *s, struct sm_err *err)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		slurm_put_head(f, s, "-finalize");
		fputs("#SBATCH --output=logs/slurm-finalize.log\n"
		      "cd \"${SLURM_SUBMIT_DIR:-.}\" || exit\n"
		      "# It looks for itself whether every part is done, and "
		      "names what is not.\n"
		      "exec ",
		      f);
		slurm_put_program(f);
		fputs(" finalize .\n", f);
	}
	if (!f || fclose(f) != 0) {
		free(text);
		text = NULL;
		sm_output_fail(err, SM_ENOMEM, "out of memory");
	}
	return text;
}

static int
slurm_open_job(int *fd, const struct sm_status *s, struct sm_err *err)
{
	*fd = open(s->job, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return sm_output_fail(err, SM_EINPUT, "cannot open '%s': %s",
				      s->job, strerror(errno));
	return 0;
}

void
sm_slurm_forget(const char *job)
{
	static const char *const names[] = { SM_SLURM_ARRAY, SM_SLURM_FINALIZE,
					     SM_SLURM_NOTE };
	char path[4096];
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "%s", job);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(path, sizeof(path), "%s.job", job);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		unlinkat(fd, names[i], 0);
		sm_newfile_sweep(fd, names[i]);
	}
	close(fd);
	/* Empty where the final file is there, and no job was needed. */
	rmdir(path);
}

int
sm_slurm_write(const struct sm_status *s, const char *name, const char *text,
	       struct sm_err *err)
{
	char tmp[SM_NEWFILE_MAX];
	int dir, fd, ret = slurm_open_job(&dir, s, err);
	size_t n = strlen(text);

	if (ret < 0)
		return ret;
	/* The logs' directory: Slurm makes none. */
	mkdirat(dir, "logs", 0777);
	fd = sm_newfile_create(tmp, dir, name, 0777);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n || close(fd) < 0 ||
	    renameat(dir, tmp, dir, name) < 0)
		ret = sm_output_fail(err, SM_EIO, "cannot write '%s/%s': %s",
				     s->job, name, strerror(errno));
	close(dir);
	return ret;
}

/* ---------------------------------------------------- Slurm's commands -- */

/*
 * Run a command in `cwd` (NULL: here) and read what it prints, which is cut at
 * `size`; its exit status, or <0.
 */
static int
slurm_call(char *out, size_t size, const char *cwd, char *const *argv,
	   struct sm_err *err)
{
	posix_spawn_file_actions_t actions;
	size_t n = 0;
	ssize_t got;
	int ends[2], status = 0, rc;
	char rest[256];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return sm_output_fail(err, SM_ENOMEM, "cannot make a pipe: %s",
				      strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (cwd)
		posix_spawn_file_actions_addchdir_np(&actions, cwd);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (rc != 0) {
		close(ends[0]);
		return sm_output_fail(
			err, SM_ENOTFOUND,
			"cannot run '%s': %s; shardmill slurm "
			"needs Slurm's commands, --print does not",
			argv[0], strerror(rc));
	}
	for (;;) {
		got = n + 1 < size ? read(ends[0], out + n, size - 1 - n)
				   : read(ends[0], rest, sizeof(rest));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += n + 1 < size ? (size_t)got : 0;
	}
	out[n] = '\0';
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
sm_slurm_max_array(uint64_t *max, struct sm_err *err)
{
	static char *const argv[] = { (char *)"scontrol", (char *)"show",
				      (char *)"config", NULL };
	static const char key[] = "MaxArraySize";
	char *out = malloc(1 << 16);
	const char *at;
	int ret;

	if (!out)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	ret = slurm_call(out, 1 << 16, NULL, argv, err);
	at = ret == 0 ? strstr(out, key) : NULL;
	if (at)
		at = strchr(at, '=');
	if (at)
		*max = strtoull(at + 1, NULL, 10);
	else if (ret >= 0)
		ret = sm_output_fail(err, SM_EIO,
				     "'scontrol show config' does not say the "
				     "cluster's MaxArraySize; does its "
				     "controller run?");
	free(out);
	return ret < 0 ? ret : 0;
}

int
sm_slurm_is_queued(char id[64], const struct sm_status *s, struct sm_err *err)
{
	char *argv[] = {
		(char *)"squeue", (char *)"-h", (char *)"-o", (char *)"%F",
		(char *)"-j",     id,           NULL
	};
	char *path = NULL, out[4096];
	FILE *f;
	int ret = 0;

	if (asprintf(&path, "%s/" SM_SLURM_NOTE, s->job) < 0)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	f = fopen(path, "re");
	free(path);
	if (!f)
		return 0;
	if (fscanf(f, "%63[0-9,]", id) == 1)
		/*
		 * A number that Slurm has forgotten makes it fail: not queued.
		 */
		ret = slurm_call(out, sizeof(out), NULL, argv, err);
	else
		out[0] = '\0';
	fclose(f);
	if (ret < 0)
		return ret;
	return ret == 0 && sscanf(out, " %63[0-9]", id) == 1;
}

int
sm_slurm_note(const struct sm_status *s, const char *array,
	      const char *finalize, struct sm_err *err)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s\n", array,
		 *array && *finalize ? "," : "", finalize);
	return sm_slurm_write(s, SM_SLURM_NOTE, text, err);
}

int
sm_slurm_submit(char id[64], const struct sm_status *s, const char *name,
		char *const *options, const char *after, struct sm_err *err)
{
	char *argv[ARGS_MAX], after_text[128], out[4096];
	size_t n = 0;
	int ret;

	argv[n++] = (char *)"sbatch";
	argv[n++] = (char *)"--parsable";
	for (; options && *options; options++) {
		if (n + 4 >= ARGS_MAX)
			return sm_output_fail(err, SM_EUSAGE,
					      "too many options for sbatch");
		argv[n++] = *options;
	}
	if (after) {
		snprintf(after_text, sizeof(after_text),
			 "--dependency=afterany:%s", after);
		argv[n++] = after_text;
	}
	argv[n++] = (char *)name;
	argv[n] = NULL;
	ret = slurm_call(out, sizeof(out), s->job, argv, err);
	if (ret < 0)
		return ret;
	/* "1234", or "1234;cluster". */
	if (ret != 0 || sscanf(out, " %63[0-9]", id) != 1)
		return sm_output_fail(
			err, SM_EIO,
			"sbatch did not take '%s/%s' (exit status "
			"%d); what it says is above",
			s->job, name, ret);
	return 0;
}
