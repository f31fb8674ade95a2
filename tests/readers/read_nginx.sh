# read_nginx.sh static FILE | proxy URL - the text that nginx unpacks for a
# client which takes no gzip
dir=$(mktemp -d) && trap 'kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
chmod 755 "$dir"
case $1 in
static) cp "$2" "$dir/text.gz" && where="root $dir; gzip_static always;" ;;
proxy) where="proxy_pass $2;" ;;
esac
chmod 644 "$dir"/*.gz 2>/dev/null
cat >"$dir/conf" <<END
daemon off; master_process off; pid $dir/pid; error_log stderr;
events {}
http {
	access_log off; client_body_temp_path $dir/a; proxy_temp_path $dir/b;
	fastcgi_temp_path $dir/c; uwsgi_temp_path $dir/d; scgi_temp_path $dir/e;
	server { listen unix:$dir/socket; gunzip on; location = /text { $where } }
}
END
nginx -c "$dir/conf" -e stderr 2>"$dir/said" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -S "$dir/socket" ] || sleep 0.2; done
curl -sS -f --unix-socket "$dir/socket" http://localhost/text
code=$?
[ $code -eq 0 ] || cat "$dir/said" >&2
exit $code
