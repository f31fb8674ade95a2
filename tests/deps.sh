# deps.sh - install what is missing; sourced by tests/run and tools/demo

# need_packages PACKAGE...: Debian packages, installed with apt by root or
# through sudo, which is said before it is done; with SHARDMILL_NO_INSTALL in
# the environment nothing is installed, and what is missing is named.  On a system without dpkg the
# tools must be there already.
need_packages() {
	local package missing=() as_root=()
	command -v dpkg-query >/dev/null || return 0
	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
			grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ -n "${SHARDMILL_NO_INSTALL:-}" ]; then
		echo "not installed (SHARDMILL_NO_INSTALL is set):" \
			"${missing[*]}" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		as_root=(sudo)
		command -v sudo >/dev/null || {
			echo "as root: apt-get install ${missing[*]}" >&2
			return 1
		}
	fi
	echo "installing (apt-get): ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	local install=("${as_root[@]}" apt-get install -y -qq
		-o DPkg::Lock::Timeout=300
		--no-install-recommends "${missing[@]}")
	"${install[@]}" >/dev/null 2>&1 || {
		"${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null
	}
}
