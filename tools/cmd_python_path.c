/*
 * cmd_python_path.c - python-path: where shardmill.py is
 *
 * It is installed in share/shardmill, beside the bin/ of the program wherever
 * that was moved to, and stands in python/ of a build.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "output.h"

#define PYTHON_FILE "shardmill.py"

static int
python_path_run(struct sm_call *call, struct sm_err *err)
{
	static const char *const places[] = { "../share/shardmill", "python" };
	char self[PATH_MAX], dir[PATH_MAX + 64], path[PATH_MAX + 128];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	(void)call;
	if (n < 0)
		n = 0;
	self[n] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", self, places[i]);
		snprintf(path, sizeof(path), "%s/" PYTHON_FILE, dir);
		if (access(path, R_OK) != 0)
			continue;
		if (!realpath(dir, path))
			break;
		puts(path);
		return 0;
	}
	return sm_output_fail(
		err, SM_EINPUT,
		"cannot find " PYTHON_FILE " beside the program in "
		"'%s': it is in share/shardmill of an installation",
		self);
}

const struct sm_cmd cmd_python_path = {
	.name = "python-path",
	.usage = "",
	.summary = "print the directory of shardmill.py, for --serve",
	.detail = "  PYTHONPATH=$(shardmill python-path) python3 -c "
		  "'import shardmill'\n",
	.run = python_path_run,
};
