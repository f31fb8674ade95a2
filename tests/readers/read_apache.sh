# read_apache.sh URL - the text that Apache unpacks for a client which takes no
# gzip, as a proxy
dir=$(mktemp -d) && trap 'kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
modules=/usr/lib/apache2/modules
port=$((20000 + $$ % 20000))
cat >"$dir/conf" <<END
ServerRoot $dir
PidFile $dir/pid
Listen 127.0.0.1:$port
ServerName localhost
ErrorLog $dir/said
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule filter_module $modules/mod_filter.so
LoadModule deflate_module $modules/mod_deflate.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
User www-data
Group www-data
ProxyPass /text $1
SetOutputFilter INFLATE
END
apache2 -X -f "$dir/conf" >&2 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$dir/pid" ] && break; sleep 0.3; done
curl -sS -f --retry 5 --retry-connrefused "http://127.0.0.1:$port/text"
code=$?
[ $code -eq 0 ] || cat "$dir/said" >&2
exit $code
