# model - the protocol itself, checked with Spin (tests/model/protocol.pml)
need_packages spin && {
	while read -r verdict name states seconds reason; do
		case $verdict in
		passed | failed)
			result "$verdict" "model/$name" "$seconds" \
				"$states states${reason:+; $reason}" ;;
		*) echo "model: $verdict $name $states $seconds $reason" ;;
		esac
	done < <("$tests/model/run" -o "$root/build-model" ${long:+-l})
}
