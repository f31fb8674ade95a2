# shellcheck shell=bash
# lab.sh - a small cluster on this host, for tests
#
# Slurm lets several slurmd run on one host under different node names.  Here a
# controller, munged and the nodes n1, n2, … listen on loopback and keep all of
# their files in one directory, so that nothing of a Slurm that is installed is
# touched.  To be sourced:
#
#	cluster_start DIR NODES    exports SLURM_CONF: sbatch, squeue … use it
#	node_off NODE              the power fails: slurmd and its tasks are gone
#	node_on NODE               it boots
#	node_freeze, node_thaw     a whole node stands still, and goes on
#	node_thaw_tasks NODE       only what runs there goes on
#	node_down NODE             the controller is told, and need not find out
#	controller_off, controller_on
#	cluster_end                ends all of it; to be called in any case
#
# What holds of a simulated node: a process belongs to it if it is its slurmd,
# or descends from it and carries SLURMD_NODENAME=NODE in its environment.
# Processes are found by the SLURM_CONF in their environment, which is this
# cluster's alone, so that no other process is ever signalled.

cluster_dir=''
cluster_nodes=0
cluster_munged=''

cluster_available() {
	local tool
	for tool in slurmctld-wlm slurmd-wlm munged; do
		[ -x /usr/sbin/$tool ] || return 1
	done
	command -v sbatch squeue scontrol scancel sinfo >/dev/null
}

# cluster_wait SECONDS COMMAND...: until it succeeds; wall time, because each
# client command hangs for seconds while there is no controller
cluster_wait() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# cluster_ports COUNT: the first of so many ports that nobody listens on
cluster_ports() {
	local try first port
	for try in {1..50}; do
		first=$((10000 + (RANDOM + try) % 20000))
		for ((port = first; port < first + $1; port++)); do
			(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2
		done
		echo $first
		return
	done
	return 1
}

cluster_config() {
	local port=$1 host n
	host=$(hostname -s)
	cat <<-END
		ClusterName=shardmill
		SlurmctldHost=$host(127.0.0.1)
		SlurmctldPort=$port
		CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
		SlurmUser=$(id -un)
		SlurmdUser=$(id -un)
		AuthType=auth/munge
		CredType=cred/munge
		# cred_expire is also how long a requeued job waits; 5 is the least.
		AuthInfo=socket=$cluster_dir/munge/socket,cred_expire=5
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		JobAcctGatherType=jobacct_gather/none
		AccountingStorageType=accounting_storage/none
		MpiDefault=none
		StateSaveLocation=$cluster_dir/state
		SlurmctldPidFile=$cluster_dir/slurmctld.pid
		SlurmctldLogFile=$cluster_dir/slurmctld.log
		SlurmdSpoolDir=$cluster_dir/spool.%n
		SlurmdPidFile=$cluster_dir/%n.pid
		SlurmdLogFile=$cluster_dir/%n.log
		# Nodes are down after seconds here, after minutes elsewhere.
		SlurmdTimeout=2
		MessageTimeout=2
		TCPTimeout=2
		KillWait=2
		ReturnToService=2
		MaxArraySize=${CLUSTER_MAX_ARRAY:-1001}
		SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
		SlurmdParameters=config_overrides
		NodeName=n[1-$cluster_nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + cluster_nodes))] CPUs=1 State=UNKNOWN
		PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	END
	# first2: n1 and n2
	for ((n = 1; n <= cluster_nodes; n++)); do
		echo "PartitionName=first$n Nodes=n[1-$n] MaxTime=INFINITE State=UP"
	done
}

cluster_start() {
	local n port
	cluster_dir=$1 cluster_nodes=$2
	port=$(cluster_ports $((cluster_nodes + 1))) || return 1
	export SLURM_CONF=$cluster_dir/slurm.conf
	mkdir -p "$cluster_dir/state" "$cluster_dir/munge" || return 1
	# munged trusts its socket only where others may pass, on the whole way.
	chmod 755 "$cluster_dir" "$cluster_dir/munge"
	cluster_config "$port" >"$SLURM_CONF"
	(umask 077 && head -c 128 /dev/urandom >"$cluster_dir/munge/key")
	munged -F -f --key-file="$cluster_dir/munge/key" \
		--socket="$cluster_dir/munge/socket" \
		--pid-file="$cluster_dir/munge/pid" \
		--log-file="$cluster_dir/munge/log" \
		--seed-file="$cluster_dir/munge/seed" \
		>"$cluster_dir/munge/out" 2>&1 &
	cluster_munged=$!
	cluster_wait 10 test -S "$cluster_dir/munge/socket" || return 1
	controller_on -c
	for ((n = 1; n <= cluster_nodes; n++)); do
		node_on n$n
	done
	cluster_wait 30 cluster_is_idle
}

cluster_is_idle() {
	[ "$(timeout 5 sinfo -h -t idle -o %D)" = "$cluster_nodes" ]
}

cluster_is_empty() {
	local jobs
	jobs=$(timeout 5 squeue -h) && [ -z "$jobs" ]
}

controller_on() {
	slurmctld-wlm -D "$@" >>"$cluster_dir/slurmctld.out" 2>&1 &
	cluster_controller=$!
	disown $!
}

controller_off() {
	kill -KILL "$cluster_controller"
	cluster_wait 5 cluster_gone "$cluster_controller"
}

cluster_gone() {
	[ ! -e "/proc/$1" ]
}

# With an empty spool: a task that comes back to a node which still has its
# script is not started there, but held.
node_on() {
	rm -rf "$cluster_dir/spool.$1"
	slurmd-wlm -D -N "$1" >>"$cluster_dir/$1.out" 2>&1 &
	disown $!
}

# cluster_processes [NODE]: the pids of all, or of one node
cluster_processes() {
	local pid exe node=${1:-}
	for pid in $(grep -lzsxF "SLURM_CONF=$SLURM_CONF" \
		/proc/[0-9]*/environ | cut -d / -f 3); do
		exe=$(readlink "/proc/$pid/exe") || continue
		if grep -qzs '^SLURMD_NODENAME=' "/proc/$pid/environ"; then
			# A task, or a slurmstepd on its way to start one.
			[ -z "$node" ] || grep -qzxF "SLURMD_NODENAME=$node" \
				"/proc/$pid/environ" || continue
		elif [[ $exe == */slurm*-wlm ]]; then
			# A node's own have its log open.
			[ -z "$node" ] || find "/proc/$pid/fd" -lname \
				"$cluster_dir/$node.log" 2>/dev/null |
				grep -q . || continue
		else
			continue # this test, and what it calls
		fi
		echo "$pid"
	done
}

# cluster_signal SIGNAL [NODE]
cluster_signal() {
	local pids
	pids=$(cluster_processes "${@:2}")
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -"$1" $pids 2>/dev/null
}

node_down() {
	timeout 10 scontrol update "nodename=$1" state=down reason=test
}

# Twice: the first time something may just have been started.
node_freeze() {
	cluster_signal STOP "$1"
	cluster_signal STOP "$1"
}

node_thaw() {
	cluster_signal CONT "$1"
}

# Its tasks alone, as on a node that was cut off from the controller: slurmd
# would end them as soon as it heard that they run elsewhere.
node_thaw_tasks() {
	local pid
	for pid in $(cluster_processes "$1"); do
		case $(readlink "/proc/$pid/exe") in
		*/slurm*-wlm) ;;
		*) kill -CONT "$pid" 2>/dev/null ;;
		esac
	done
}

# Frozen first, so that no part of it sees the others die.
node_off() {
	node_freeze "$1"
	cluster_signal KILL "$1"
}

cluster_end() {
	local try
	[ -n "$cluster_dir" ] || return 0
	timeout 5 scancel -u "$(id -un)" 2>/dev/null
	# slurmstepd outlives everything and does not heed TERM.
	for try in 1 2 3 4 5; do
		cluster_signal CONT
		cluster_signal KILL
		[ -n "$(cluster_processes)" ] || break
		sleep 0.1
	done
	if [ -n "$cluster_munged" ]; then
		kill "$cluster_munged" 2>/dev/null
		wait "$cluster_munged" 2>/dev/null
	fi
	cluster_munged=''
	[ -z "$(cluster_processes)" ]
}
