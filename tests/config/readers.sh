# readers - other programs and libraries read final files, in pinned versions
# (tests/readers/); it takes some minutes and gigabytes of packages
build release -DSHARDMILL_TESTS=ON && {
	# The names of one line belong together; a package that cannot be had
	# is named by the ways that are skipped for it.
	while read -ra packages; do
		need_packages "${packages[@]}" </dev/null ||
			echo "not to be had: ${packages[*]}"
	done < <("$PYTHON" "$tests/readers/readers.py" --packages)
	start=$EPOCHREALTIME
	if "$PYTHON" "$tests/readers/readers.py" -w "$root/build-readers" \
		-m "$root/build-readers/shardmill-readers.7" \
		"$root/build-release/shardmill"; then
		result passed readers "$(seconds_since "$start")"
	else
		result failed readers "$(seconds_since "$start")"
	fi
}
