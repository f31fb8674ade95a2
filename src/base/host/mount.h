/*
 * mount.h - what kind of file system a file lies on
 *
 * statfs(2) tells network file systems apart, and says FUSE of all that are
 * mounted by FUSE; which of them it is, is in /proc/self/mountinfo.
 */
#ifndef SM_MOUNT_H
#define SM_MOUNT_H

#include <stdbool.h>

#define SM_MOUNT_TYPE_MAX 64

struct sm_mount {
	char type[SM_MOUNT_TYPE_MAX]; /* "ext4", "fuse.sshfs", or "FUSE" … */
	bool is_fuse;
	/* Made for several hosts at once, also where FUSE mounts it. */
	bool is_network;
	bool is_remote; /* either: files are kept by another program, or host */
	const char *note; /* what is known of the type, or NULL */
};

/* Of an open file or directory.  What cannot be found out is left empty. */
void sm_mount_of(struct sm_mount *m, int fd);

/*
 * The type of the mount with that number in the text of a mountinfo, of which
 * `line` is one line; false: it is another mount's.
 */
bool sm_mount_parse(char type[SM_MOUNT_TYPE_MAX], const char *line,
		    long number);

#endif /* SM_MOUNT_H */
