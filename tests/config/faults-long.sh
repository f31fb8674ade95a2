# faults-long - the faults of a release: every point, sabotage, mutants
FAULTS_LONG=1
. "$tests/config/faults.sh"
