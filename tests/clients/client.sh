#!/bin/bash
# client.sh FILE STEPS - the shell of SQLite, one call for each transaction
db=$1 timeout=() held=() hold=""
now() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}
ask() {
	sqlite3 -bail "${timeout[@]}" "$db" "$@" 2>&1
}
while IFS=$'\t' read -r op a b; do
	begun=$(now) word=ok value=""
	case $op in
	timeout) timeout=(-cmd ".timeout $a") ;;
	sleep)
		if [ -n "$hold" ]; then
			held+=(".shell sleep $((a / 1000)).$(printf %03d $((a % 1000)))")
		else
			sleep "$((a / 1000)).$(printf %03d $((a % 1000)))"
		fi ;;
	storm)
		value=0
		for ((i = 0; i < a; i++)); do
			ask "$b" >/dev/null || value=$((value + 1))
		done ;;
	rows)
		if [ -n "$hold" ]; then
			held+=("$a")
		else
			value=$(ask "$a") && value=$(wc -l <<<"$value") || word=no
		fi ;;
	*)
		case $a in
		BEGIN*) hold=1 held=("$a") ;;
		COMMIT)
			value=$(ask "${held[@]}" COMMIT) || word=no
			[ $word = no ] || value=""
			hold="" ;;
		*)
			if [ -n "$hold" ]; then
				held+=("$a")
			else
				value=$(ask "$a") || word=no
			fi ;;
		esac ;;
	esac
	printf '%s\t%s\t%s\n' $(($(now) - begun)) $word "${value//$'\n'/ }"
done <"$2"
