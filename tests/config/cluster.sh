# cluster - jobs in parts on a Slurm of three nodes, made on this host for each
# test (tests/cluster/lab.sh).  Slurm's packages are installed unless
# SHARDMILL_NO_INSTALL is set; without them the tests are skipped.
if ! need_packages slurmctld slurmd slurm-client munge; then
	result skipped cluster "" "Slurm is not installed"
elif build release -DSHARDMILL_FAULTS=OFF; then
	e2e_from=$tests/cluster e2e_jobs=1 e2e_timeout=600 e2e release
fi
