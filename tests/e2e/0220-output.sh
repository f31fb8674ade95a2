#!/bin/bash
# Where the final file may go, and where it must not.
. "$(dirname "$0")/lib.sh"

data small 300 60
oracle
args+=(--batch-rows 100 --sync end)

# refused FILE: exit 7 or 3 when planning, and it stays as it was
refused() {
	local code=0
	sm candidates -o "$1" "${args[@]}" "${@:2}" >out 2>err </dev/null ||
		code=$?
	[[ $code = [37] ]] || fail "'$1': exit $code, not 3 or 7"
	[ ! -e "$1.job" ] || fail "'$1': a job was left behind"
}

# A file that is not this job's: refused when planning, unless --force.
echo precious >f.gz
expect_exit 7 sm candidates -o f.gz "${args[@]}"
expect_text err f.gz --force
equal "$(cat f.gz)" precious
[ ! -e f.gz.job ] || fail "a job was left behind"
expect_exit 0 sm candidates -o f.gz --force "${args[@]}"
same_text "$set/want" f.gz

mkdir folder.gz
refused folder.gz
refused folder.gz --force
[ -d folder.gz ] || fail "the directory is gone"
refused missing/f.gz
[ ! -e missing ] || fail "a directory was made"
mkfifo fifo.gz
refused fifo.gz

# A symlink: the file that it names, or a refusal; never a broken third.
echo target >target
ln -s target link.gz
refused link.gz
equal "$(cat target)" target
[ -L link.gz ] || fail "the link is gone"
ln -s nowhere dangling.gz
code=0
sm candidates -o dangling.gz "${args[@]}" >out 2>err || code=$?
case $code in
0) same_text "$set/want" dangling.gz ;;
3 | 7) [ -L dangling.gz ] || fail "the link is gone" ;;
*) fail "dangling link: exit $code" ;;
esac

# Output equal to an input, even with --force.
mkdir in
cp "$set"/*.npy "$set"/*.json in
own=(--cands in/cands.npy --scores in/scores.npy --keys in/keys.json
	--vocab in/vocab.json)
for name in cands.npy keys.json; do
	for force in "" --force; do
		code=0
		sm candidates -o "in/$name" $force "${own[@]}" >out 2>err ||
			code=$?
		[[ $code = [37] ]] || fail "output is input: exit $code"
		same "$set/$name" "in/$name"
	done
done
# Output beside its inputs is fine.
expect_exit 0 sm candidates -o in/f.gz "${own[@]}"
same_text "$set/want" in/f.gz

# A job directory that is a symlink or a file.
echo x >g.gz.job
code=0
sm candidates -o g.gz "${args[@]}" >out 2>err || code=$?
[[ $code = [37] ]] || fail "a file as job directory: exit $code"
equal "$(cat g.gz.job)" x
# A directory of other things may become a job; the other things stay, even
# when the job is deleted to begin again.
mkdir foreign
echo x >foreign/note
expect_exit 0 sm plan foreign candidates "${args[@]}"
equal "$(cat foreign/note)" x
expect_exit 0 sm plan foreign candidates "${args[@]}" --level 1 --restart --yes
equal "$(cat foreign/note)" x

# A target that appears while the job runs is not overwritten.
expect_exit 0 sm plan late.gz.job candidates -o late.gz "${args[@]}"
echo mine >late.gz
code=0
sm run late.gz.job >out 2>err || code=$?
equal $code 7 "exit status with a late target"
equal "$(cat late.gz)" mine
rm late.gz
expect_exit 0 sm run late.gz.job
same_text "$set/want" late.gz
