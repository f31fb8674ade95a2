/*
 * Says what kind of file system a file lies on.  It is apart from probe.c,
 * which tries what one can do: a name alone allows or refuses only what no
 * trial can see, that is, other hosts.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "mount.h"

/* statfs(2) names these, <linux/magic.h> does not name them all. */
static const unsigned long network_types[] = {
	NFS_SUPER_MAGIC,
	SMB_SUPER_MAGIC,
	SMB2_SUPER_MAGIC,
	CIFS_SUPER_MAGIC,
	CODA_SUPER_MAGIC,
	AFS_SUPER_MAGIC,
	V9FS_MAGIC,
	CEPH_SUPER_MAGIC,
	0x0bd00bd0 /* Lustre */,
	0x47504653 /* GPFS */,
	0x19830326 /* BeeGFS */,
	0x7461636f /* OCFS2 */,
	0x01161970 /* GFS2 */,
	0x20030528 /* OrangeFS */,
	0xaad7aaea /* PanFS */,
	0xbeefdead /* StorNext */,
	0x013111a8 /* IBRIX */,
	0x6b414653 /* kAFS */,
	0x61636673 /* ACFS */,
	0x564c /* NCP */,
	0xbacbacbc,
	0x786f4256,
	0x7c7c6673 /* a virtual machine's host */,
};

/* Types of FUSE of which more is known than that FUSE mounts them. */
static const struct {
	const char *type;
	bool is_network;
	const char *note;
} known[] = {
	{ "fuse.glusterfs", true,
	  "with its caching translators SQLite lost commits even through one "
	  "mount" },
	{ "fuse.ceph", true, NULL },
	{ "fuse.ceph-fuse", true, NULL },
	{ "fuse.mfs", true, NULL },
	{ "fuse.moosefs", true, NULL },
	{ "fuse.lizardfs", true, NULL },
	{ "fuse.juicefs", true, NULL },
	{ "fuse.seaweedfs", true, NULL },
	{ "fuse.rclone", false,
	  "it can write again what is there only with --vfs-cache-mode full" },
};

bool
sm_mount_parse(char type[SM_MOUNT_TYPE_MAX], const char *line, long number)
{
	const char *at;
	size_t n;
	long id;

	/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw": proc(5);
	 * blanks in paths are escaped, so that " - " is found once. */
	if (sscanf(line, "%ld", &id) != 1 || id != number)
		return false;
	at = strstr(line, " - ");
	if (!at)
		return false;
	at += strlen(" - ");
	n = strcspn(at, " \n");
	if (n == 0 || n >= SM_MOUNT_TYPE_MAX)
		return false;
	memcpy(type, at, n);
	type[n] = '\0';
	return true;
}

/* The number of the mount that the file was opened by; -1: not known. */
static long
mount_number(int fd)
{
	char path[64], line[256];
	long number = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (number < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "mnt_id: %ld", &number) != 1)
			number = -1;
	fclose(f);
	return number;
}

static void
mount_name(struct sm_mount *m, int fd)
{
	long number = mount_number(fd);
	char line[8192]; /* two paths and the options */
	bool found = false;
	FILE *f;

	if (number < 0)
		return;
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return;
	while (!found && fgets(line, sizeof(line), f))
		found = sm_mount_parse(m->type, line, number);
	fclose(f);
}

void
sm_mount_of(struct sm_mount *m, int fd)
{
	struct statfs fs;
	size_t i;

	*m = (struct sm_mount){ .type = "a file system of unknown type" };
	if (fstatfs(fd, &fs) < 0)
		return;
	m->is_fuse = (unsigned long)fs.f_type == FUSE_SUPER_MAGIC;
	for (i = 0; i < sizeof(network_types) / sizeof(*network_types); i++)
		m->is_network |= (unsigned long)fs.f_type == network_types[i];
	if (m->is_fuse)
		snprintf(m->type, sizeof(m->type), "FUSE");
	mount_name(m, fd);
	for (i = 0; m->is_fuse && i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].type, m->type) == 0) {
			m->is_network = known[i].is_network;
			m->note = known[i].note;
		}
	m->is_remote = m->is_fuse || m->is_network;
}
