/*
 * cpus.h - the CPUs this process may use
 */
#ifndef SM_CPUS_H
#define SM_CPUS_H

#include <stdbool.h>

/*
 * The smaller of the affinity mask and of the CPU quota of the cgroups that
 * this process is in, rounded up; 1 at least.  `quota`, which may be NULL, is
 * set to whether the quota is what decides.  `proc` is as below.
 */
int sm_cpus(bool *quota, const char *proc);

/*
 * The CPUs that the quotas of cgroups allow, as the files `cgroup` and
 * `mountinfo` in the folder `proc` ("/proc/self") say where they are; a large
 * number where there is no quota or it cannot be read.
 */
int sm_cpus_quota(const char *proc);

#endif /* SM_CPUS_H */
