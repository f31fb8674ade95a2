# model - the protocol itself, checked with Spin (tests/model/protocol.pml); with
# --long larger models of it too
model_states=0 model_failed=0
if need_packages spin; then
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
fi
# Without Spin, or when it broke off, nothing has been shown.
if [ "$model_states" = 0 ]; then
	model_failed=$((model_failed + 1))
	result failed model "" "no state was looked at"
fi
