# clients - other programs and libraries read and edit job.db beside a run, in
# pinned versions (tests/clients/); it takes ten minutes, much from registries,
# and once as long to compile better-sqlite3 (build-clients/ is kept)
build_targets=shardmill build release -DSHARDMILL_FAULTS=OFF && {
	# The names of one line belong together; a package that cannot be had
	# is named by the clients that are skipped for it.
	while read -ra packages; do
		need_packages "${packages[@]}" </dev/null ||
			echo "not to be had: ${packages[*]}"
	done < <("$PYTHON" "$tests/clients/clients.py" --packages)
	start=$EPOCHREALTIME
	if "$PYTHON" "$tests/clients/clients.py" -w "$root/build-clients" \
		"$root/build-release/shardmill"; then
		result passed clients "$(seconds_since "$start")"
	else
		result failed clients "$(seconds_since "$start")"
	fi
}
