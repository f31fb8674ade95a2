# model - the protocol itself, checked with Spin (tests/model/protocol.pml); with
# --long larger models of it too
model_states=0 model_failed=0
need_packages spin && {
	while read -r verdict name states seconds reason; do
		case $verdict in
		passed | failed)
			[ "$verdict" = passed ] ||
				model_failed=$((model_failed + 1))
			result "$verdict" "model/$name" "$seconds" \
				"$states states${reason:+; $reason}" ;;
		*)
			model_states=$verdict
			echo "model: $verdict $name $states $seconds $reason" ;;
		esac
	done < <("$tests/model/run" -o "$root/build-model" ${long:+-l})
}
