"""readers.py [-k REGEX] [-w FOLDER] [-m PAGE] SHARDMILL - read final files

The files are read in many ways, and what came out is printed as a table; PAGE
is written as the manual shows it.

Other programs and libraries than ours read three final files: one of candidates
with rows left out, one of exec with a thousand empty batches in its midst, one
of exec with large batches, before which there is padding.
What a way prints must be the text that Python's zlib finds; some ways print a
number, which must be that of the lines.  `readers.py --packages` prints the
Debian packages, a line each way.  Ways whose packages are not installed are
skipped; one that does not read `gzip -c` of the same text is not judged.
"""
import argparse
import collections
import http.server
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zlib

HERE = pathlib.Path(__file__).parent
TIMEOUT = 120
# name, packages (the first one's version is shown), command, program to build,
# whether it prints the number of lines.  $F is the file, $U its address with
# Content-Encoding: gzip, $R the same without.
Way = collections.namedtuple("Way", "name needs command make counts")
WAYS = []


def add(needs, make, *commands, counts=False):
    """Each command is "name: shell command"."""
    for line in commands:
        name, command = re.split(r": (?=\S)", line, maxsplit=1)
        WAYS.append(Way(name, needs.split(), command, make, counts))


# -- command line tools --------------------------------------------------------
add("gzip", None, "gzip -dc: gzip -dc $F", "zcat: /bin/zcat $F",
    "gzip -dc from a pipe: cat $F | gzip -dc",
    "zgrep: /bin/zgrep '' $F", "zless: /bin/zless $F | cat")
add("zutils", None, "zutils zcat: zutils_zcat() { $(command -v zcat.zutils || "
    "echo /usr/bin/zcat) \"$@\"; }; zutils_zcat $F")
add("busybox", None, "busybox zcat: busybox zcat $F",
    "busybox gunzip: busybox gunzip -c $F")
add("pigz", None, "pigz: pigz -dc $F", "unpigz -p 1: unpigz -p 1 -c $F")
add("isal", None, "igzip: igzip -dc $F", "igzip -T 2: igzip -T 2 -dc $F")
add("zstd", None, "zstd: zstd -dc $F", "zstdcat: zstdcat $F")
add("libarchive-tools", None, "bsdcat: bsdcat $F")
add("libdeflate-tools", None,
    "libdeflate-gunzip: libdeflate-gunzip -c $F")
add("7zip", None, "7zz: 7zz x -so $F", "7zz t and x: 7zz t $F >&2 && "
    "7zz x -so -tgzip $F")
add("unar", None, "unar: unar -q -o $T $F && cat $T/*", )
add("tabix", None, "bgzip: bgzip -dc $F", "bgzip -@ 2: bgzip -@ 2 -dc $F")
add("ripgrep", None, "rg -z: rg -z -N '' $F")
add("ugrep", None, "ugrep -z: ugrep -z -h '' $F")
add("vim", None, "vim: vim -e -s -N -u NONE --cmd 'set nocp' -c "
    "'runtime plugin/gzip.vim' -c \"e $F\" -c \"w! $T/o\" -c 'qa!' "
    "</dev/null; cat $T/o")
add("file", None, "zcat after file -z: file -z $F | grep -q 'JSON\\|text' && "
    "gzip -dc $F")
add("curl", None, "curl --compressed: curl -sS --compressed $U",
    "curl --compressed --http1.0: curl -sS -0 --compressed $U")
add("wget", None, "wget --compression: wget -q --compression=gzip -O - $U")
add("wget2", None, "wget2: wget2 -q --compression=gzip -O - $U")
add("aria2", None, "aria2c: aria2c -q --http-accept-gzip=true -d $T -o o $U "
    ">&2; cat $T/o")
add("nginx curl", None, "nginx gunzip, static: sh read_nginx.sh static $F",
    "nginx gunzip, proxy: sh read_nginx.sh proxy $U")

# -- Python --------------------------------------------------------------------
PY = "/usr/bin/python3 read.py"
add("python3", None, *(f"python {way}: {PY} '{way}' $F" for way in (
    "gzip.open", "gzip.decompress", "GzipFile, small reads", "gzip lines",
    "zlib.decompress", "zlib.decompressobj", "decompressobj in pieces")))
for package, way, arg in (
        ("pandas", "read_json", "F"), ("pandas", "read_csv", "F"),
        ("dask", "bag.read_text", "F"), ("requests", "get", "U"),
        ("requests", "iter_lines", "U"), ("urllib3", "request", "U"),
        ("urllib3", "stream", "U"), ("httpx", "get", "U"),
        ("httpx", "stream", "U"), ("aiohttp", "get", "U"),
        ("aiohttp", "chunks", "U"), ("tornado", "fetch", "U"),
        ("smart-open", "open", "F"), ("fsspec", "open", "F")):
    add(f"python3-{package}", None,
        f"{package} {way}: {PY} '{package} {way}' ${arg}",
        counts=package == "pandas")

# -- Node, Bun, Deno, and packages of npm --------------------------------------
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
NODES = ("20.20.2", "21.7.3", "22.23.3", "23.9.0", "24.21.0", "25.9.0",
         "26.10.0")


def node(version):
    return f"node_modules/node{version[:2]}/bin/node read.mjs"


ZLIB = ("gunzipSync", "unzipSync", "createGunzip", "DecompressionStream")
for v in NODES:
    need = f"npm:node{v[:2]}@npm:node-linux-{ARCH}@{v}"
    add(need, None, *(f"Node {v[:2]} {way}: {node(v)} {way} $F"
                      for way in ZLIB),
        f"Node {v[:2]} fetch: {node(v)} fetch $U")
add("npm:bun@1.4.4", None, *(
    f"Bun {way}: node_modules/.bin/bun read.mjs {way} ${arg}"
    for way, arg in [(w, "F") for w in ZLIB] + [
        ("fetch", "U"), ("Bun.gunzipSync", "F"),
        ("Bun.gunzipSync-libdeflate", "F"), ("Bun.gunzipSync-zlib", "F")]))
add("npm:deno@2.9.6", None, *(
    f"Deno {way}: node_modules/.bin/deno run -q -A read.mjs {way} ${arg}"
    for way, arg in [(w, "F") for w in ZLIB] + [("fetch", "U")]))


def npm(spec, arg, *ways, counts=False, by=NODES[4], also=""):
    alias = spec.rpartition("@")[0].partition("@npm:")[0] or spec
    add(f"npm:{spec} npm:node{by[:2]}@npm:node-linux-{ARCH}@{by} {also}", None,
        *(f"{alias} {way}: {node(by)} {way} ${arg} {alias}" for way in ways),
        counts=counts)


for v in ("1.0.11", "2.1.0", "3.0.3"):
    npm(f"pako{v[0]}@npm:pako@{v}", "F", "pako-ungzip", "pako-Inflate")
npm("fflate@0.8.3", "F", "fflate-gunzipSync", "fflate-decompressSync",
    "fflate-gunzip", "fflate-Gunzip", "fflate-Decompress")
npm("minizlib@3.1.0", "F", "minizlib-Gunzip", "minizlib-Unzip")
npm("gunzip-maybe@1.4.2", "F", "gunzip-maybe")
npm("browserify-zlib@0.2.0", "F", "browserify-gunzipSync",
    "browserify-createGunzip")
npm("zlibjs@0.3.1", "F", "zlibjs")
npm("@loaders.gl/compression@4.5.4", "F", "loaders.gl")
npm("@gmod/bgzf-filehandle@6.2.0", "F", "bgzf-unzip")
npm("got@14.6.6", "U", "got")
npm("axios@1.21.1", "U", "axios-http", "axios-fetch")
npm("node-fetch@3.3.2", "U", "node-fetch")
npm("undici7@npm:undici@7.30.2", "U", "undici-fetch", "undici-decompress")
npm("undici8@npm:undici@8.13.1", "U", "undici-fetch", "undici-decompress")
npm("superagent@10.4.2", "U", "superagent")
for v in ("1.5.6-r.1", "1.4.4-r.1", "1.3.2-alpha.26", "1.2.1-alpha.17",
          "1.1.3-alpha.12"):
    spec = f"duckdb{v[:5].replace('.', '')}@npm:@duckdb/node-api@{v}"
    npm(spec, "F", "read_json", "read_csv", counts=True, by=NODES[0])
    npm(spec, "F", "read_ndjson_objects", by=NODES[0])
npm("nodejs-polars@0.25.2", "F", "scanJson", "scanCSV", counts=True,
    by=NODES[0], also=f"npm:nodejs-polars-linux-{ARCH}-gnu@0.25.2")


# -- other languages: one script each ------------------------------------------
def script(needs, run, arg, *ways, make=None, counts=False):
    add(needs, make, *(f"{run[0]} {way}: {run[1]} '{way}' ${arg}"
                       for way in ways), counts=counts)


PERL = ("Perl", "perl read.pl")
script("perl", PERL, "F", "gunzip", "gunzip MultiStream", "AnyInflate",
       "memGunzip", "gzopen")
script("libperlio-gzip-perl", PERL, "F", "PerlIO::gzip")
script("libwww-perl", PERL, "U", "LWP")
RUBY = ("Ruby", "ruby read.rb")
script("ruby", RUBY, "F", "GzipReader.read", "GzipReader.each_line",
       "Zlib.gunzip", "Inflate", "zcat")
script("ruby", RUBY, "U", "Net::HTTP")
PHP = ("PHP", "php -d memory_limit=-1 read.php")
script("php-cli", PHP, "F", "gzdecode", "gzfile", "gzopen", "compress.zlib",
       "zlib.inflate", "inflate_add")
script("php-curl php-cli", PHP, "U", "curl")
script("tcl", ("Tcl", "tclsh read.tcl"), "F", "zlib gunzip", "push read",
       "push fcopy")

R = ("R", "Rscript --vanilla read.R")
script("r-base-core", R, "F", "readLines(gzfile)", "readLines(file)",
       "readLines(gzcon(file))", "readLines(gzcon(rawConnection))",
       "memDecompress")
script("r-base-core", R, "R", "readLines(gzcon(url))")
script("r-cran-jsonlite", R, "F", "jsonlite stream_in", counts=True)
script("r-cran-data.table r-cran-r.utils", R, "F", "data.table fread",
       counts=True)
script("r-cran-readr", R, "F", "readr read_lines", counts=True)
script("r-cran-vroom", R, "F", "vroom vroom_lines", counts=True)
script("erlang-base", ("Erlang", "escript read.escript"), "F", "zlib:gunzip",
       "file, compressed", "inflateInit")
script("lua-zlib lua5.4", ("Lua", "lua5.4 read.lua"), "F", "whole", "pieces")
add("cl-chipz sbcl", None,
    "chipz: sbcl --noinform --non-interactive --no-userinit --load read.lisp "
    "$F")
add("guile-zlib guile-3.0", None,
    "guile-zlib: guile-3.0 --no-auto-compile read.scm $F")

# -- other languages: programs, built once -------------------------------------
script("golang-go", ("Go", "./read-go"), "F", "gzip.Reader",
       "Multistream(false)", make="go")
script("golang-go", ("Go", "./read-go"), "U", "net/http", make="go")
JAVA = ("Java", "java -cp .:/usr/share/java/commons-compress.jar Read")
JAVA_PACKAGES = "openjdk-17-jdk-headless libcommons-compress-java"
script(JAVA_PACKAGES, JAVA, "F", *(
    f"GZIPInputStream, {way}" for way in (
        "file", "buffered", "nio", "bytes", "nothing available")), make="java")
script(JAVA_PACKAGES, JAVA, "R", "GZIPInputStream, URL",
       "GZIPInputStream, HttpClient", make="java")
script(" ".join(reversed(JAVA_PACKAGES.split())), JAVA, "F",
       "Commons Compress", "Commons Compress, concatenated",
       "Commons Compress, factory", make="java")
script("librust-flate2-dev cargo", ("Rust flate2", "target/debug/read"), "F",
       "read::GzDecoder", "read::MultiGzDecoder", "bufread::GzDecoder",
       "write::GzDecoder", make="rust")
add("libzip-ocaml-dev ocaml-nox", "ocaml",
    "OCaml camlzip: ./read-ocaml $F")
add("libghc-zlib-dev ghc", "haskell", "Haskell zlib: ./read-haskell $F")
add("libboost-iostreams-dev g++", "boost", "Boost: ./read-boost $F")
add("libglib2.0-dev gcc", "glib", "GLib: ./read-glib $F")
add("fp-units-fcl fp-compiler", "pascal", "Free Pascal: ./read-pascal $F")
add("mono-runtime mono-mcs", "mono", "Mono: mono read-mono.exe $F")
BUILDS = {
    "go": "go build -o read-go read.go",
    "java": "javac -cp /usr/share/java/commons-compress.jar Read.java",
    "rust": """mkdir -p .cargo &&
        printf '[source.crates-io]\\nreplace-with = "system"\\n[source.system]\\n' \
            >.cargo/config.toml &&
        echo 'directory = "/usr/share/cargo/registry"' >>.cargo/config.toml &&
        printf '%s\\n' '[package]' 'name = "read"' 'version = "0.0.0"' \
            'edition = "2021"' '[[bin]]' 'name = "read"' 'path = "read.rs"' \
            '[dependencies]' 'flate2 = "1"' '[workspace]' >Cargo.toml &&
        cargo build --offline --quiet""",
    "ocaml": "ocamlfind ocamlopt -package zip -linkpkg read.ml -o read-ocaml "
             "|| ocamlopt -I +zip unix.cmxa zip.cmxa read.ml -o read-ocaml",
    "haskell": "ghc -v0 -outputdir read-haskell.d -o read-haskell read.hs",
    "boost": "g++ read_boost.cpp -lboost_iostreams -o read-boost",
    "glib": "gcc read_glib.c $(pkg-config --cflags --libs gio-2.0) "
            "-o read-glib",
    "pascal": "fpc -v0 -oread-pascal read_pascal.pas",
    "mono": "mcs -out:read-mono.exe read_mono.cs",
}

# -- a browser, a server, tools for data ---------------------------------------
add("chromium", None, *(
    f"Chromium {name}: sh read_chromium.sh $P?{way}={arg}"
    for name, way, arg in (("fetch", "fetch", "$U"),
                           ("XMLHttpRequest", "xhr", "$U"),
                           ("DecompressionStream", "stream", "$R"))))
add("apache2", None, "Apache INFLATE: sh read_apache.sh $U")
add("miller", None, "Miller: mlr --inidx --ifs '\\001' --onidx cat $F",
    "Miller --gzin: mlr --gzin --inidx --ifs '\\001' --onidx cat <$F")
add("gztool", None, "gztool: gztool -W -b 0 $F")


class Server(http.server.BaseHTTPRequestHandler):
    """/gzip/NAME with Content-Encoding: gzip, /raw/NAME without, /page."""
    protocol_version = "HTTP/1.1"
    folder = None

    def do_GET(self):
        if self.path.startswith("/page?"):
            form, data = "page", (self.folder / "page.html").read_bytes()
        elif self.path.count("/") == 3:
            _, form, part, name = self.path.split("/")
            data = (self.folder / part / f"{name}.gz").read_bytes()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        if form == "page":
            self.send_header("Content-Type", "text/html; charset=utf-8")
        elif form == "raw":
            self.send_header("Content-Type", "application/octet-stream")
        else:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def run(command, folder, **env):
    """(exit status, output, last line of its errors)"""
    # A file and no pipe: Node's writes to a pipe do not wait for a reader.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            ["timeout", "-k", "5", str(TIMEOUT), "sh", "-c", command],
            cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.PIPE, check=False)
        output.seek(0)
        text = output.read()
    said = done.stderr.decode(errors="replace").strip().splitlines()
    errors = [s for s in said if re.search(r"[Ee]rror|[Ww]arn|[Ff]ail", s)]
    reason = (errors or said or [""])[-1 if not errors else 0].strip()
    if done.returncode == 124:
        reason = f"not done after {TIMEOUT} s"
    return done.returncode, text, reason


# Text that becomes no smaller than some 300 KiB; each third batch is a line.
LARGE = """import random, sys
n = int(sys.argv[1])
r = random.Random(n)
for i in range(1 if n % 3 == 1 else 4000):
    print('{"n": %d, "hex": "%032x%0160x"}' % (i, r.getrandbits(128),
                                            r.getrandbits(640)))
"""


def made(shardmill, folder):
    """The final files, the plain ones of the same text, and the texts."""
    def sm(*args):
        subprocess.run([shardmill, *args, "-q"], cwd=folder, check=True)
    for part in ("data", "ours", "plain"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir()
    sm("sample", "data", "--rows", "4000", "--width", "60")
    sm("candidates", "-o", "ours/final.gz", "--batch-rows", "80", "--sync", "end",
       "--min-score", "0.5", "--min-candidates", "20",
       *(a for n in ("cands.npy", "scores.npy", "keys.json", "vocab.json")
         for a in ("--" + n.partition(".")[0], "data/" + n)))
    sm("exec", "-o", "ours/empty.gz", "--range", "1060", "--sync", "end", "--",
       "sh", "-c", "[ $1 -ge 30 ] && [ $1 -lt 1030 ] || "
       "seq -f \"{\\\"batch\\\": $1, \\\"n\\\": %g}\" 200", "sh", "{first}")
    sm("exec", "-o", "ours/large.gz", "--range", "6", "--sync", "end", "--",
       sys.executable, "-c", LARGE, "{first}")
    packed = (folder / "ours" / "large.gz").read_bytes()
    assert packed.count(20 * b"\0\0\0\xff\xff") > 0, "there is no padding"
    texts = {}
    for name in ("final", "empty", "large"):
        member = zlib.decompressobj(31)
        packed = (folder / "ours" / f"{name}.gz").read_bytes()
        texts[name] = member.decompress(packed)
        assert member.eof and not member.unused_data, name
        with open(folder / "plain" / f"{name}.gz", "wb") as out:
            subprocess.run(["gzip", "-c"], input=texts[name], stdout=out,
                           check=True)
    lines = texts["final"].count(b"\n")
    assert 500 < lines < 4000, f"{lines} lines: no row was left out, or most"
    return texts


def installed():
    out = subprocess.run(["dpkg-query", "-W", "-f",
                          "${db:Status-Status} ${Package} ${Version}\n"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = (line.split() for line in out.splitlines())
    return {row[1]: row[2] for row in rows if row[0] == "installed"}


def npm_install(folder, ways):
    """Aliases and names with what was asked for; those missing are not."""
    specs = sorted({n[4:] for way in ways for n in way.needs
                    if n.startswith("npm:")})
    if specs:
        # One that cannot be had must not keep the others away.
        base = ["npm", "install", "--no-audit", "--no-fund", "--no-save",
                "--loglevel=error", "--prefix", str(folder)]
        for some in [specs] if subprocess.run(
                base + specs, stdout=subprocess.DEVNULL,
                check=False).returncode == 0 else [[s] for s in specs]:
            subprocess.run(base + some, stdout=subprocess.DEVNULL,
                           check=False)
    have = {}
    for spec in specs:
        alias = re.match(r"(@?[^@]+)@", spec)[1]
        if (folder / "node_modules" / alias / "package.json").exists():
            have["npm:" + spec] = spec.rpartition("@")[2]
    return have



def judge(way, where, texts, url):
    """None, or what is wrong: "less, without an error" or a reason."""
    for name, text in texts.items():
        folder, part = where
        place = f"{part}/{name}"    # wget leaves what is named .gz as it is
        with tempfile.TemporaryDirectory() as tmp:
            code, out, said = run(way.command, folder, T=tmp,
                                  F=str(folder / f"{place}.gz"),
                                  U=f"{url}/gzip/{place}",
                                  R=f"{url}/raw/{place}",
                                  P=f"{url}/page")
        want = text
        if way.counts:
            want, out = b"%d" % text.count(b"\n"), out.strip()
        if out == want and code == 0:
            continue
        lost = f"{len(out)} of {len(want)} bytes" if not way.counts else \
            f"{out.decode(errors='replace')[:20]} of {want.decode()} lines"
        if code == 0:
            return f"{name}: less, without an error: {lost} {said[:100]}"
        return f"{name}: error: {said[:160] or f'exit {code}'} ({lost})"
    return None


def page(table):
    """shardmill-readers(7): the table, a paragraph for each package."""
    def roff(text):
        return re.sub(r"^([.'])", r"\\&\1", re.sub(
            r"-", r"\\-", text.replace("\\", "\\e")))
    packages = {}
    for way, version, result in table:
        name = re.sub(r"^npm:(@?[^@]+)@.*", r"\1", way.needs[0])
        if result != "all":
            result = f"{way.name}: {result}"
        else:
            result = way.name
        packages.setdefault((name, version), []).append(result)
    every = sum(result == "all" for *_, result in table)
    release = platform.freedesktop_os_release()["PRETTY_NAME"]
    text = [f""".\\" Written by `tests/run readers`; not by hand.
.TH SHARDMILL\\-READERS 7 "" "shardmill" "User manual"
.SH NAME
shardmill\\-readers \\- programs and libraries that were seen to read final files
.SH DESCRIPTION
A final file is one ordinary gzip file.
{len(table)} ways to read one were tried on {roff(release)},
with three files:
candidates of which some were left out,
the output of commands with a thousand empty batches in its midst,
and that of commands with large batches, which begin at a block of the file.
{every} ways gave all of the text.
Each package is named with its version, and then the ways in which it was used."""]
    for (name, version), ways in packages.items():
        text.append(f".TP\n.BR {roff(name)} \" {roff(version)}\"")
        text.append(";\n".join(roff(way) for way in ways))
    text.append(""".SH SEE ALSO
.BR shardmill (1),
.BR shardmill\\-jobs (7)""")
    return "\n".join(text) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default=".", help="ways whose names match")
    parser.add_argument("-w", help="folder for packages and files, kept")
    parser.add_argument("-m", help="the page of the manual to write")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("shardmill", nargs="?")
    args = parser.parse_args()
    ways = [way for way in WAYS if re.search(args.k, way.name)]
    if args.packages:
        for needs in dict.fromkeys(tuple(way.needs) for way in ways):
            names = [n for n in needs if not n.startswith("npm:")]
            if names:
                print(*names)
        return 0
    tmp = tempfile.TemporaryDirectory(prefix="shardmill-readers.")
    folder = pathlib.Path(args.w or tmp.name).resolve()
    folder.mkdir(exist_ok=True)
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    texts = made(os.path.abspath(args.shardmill), folder)
    have = {**installed(), **npm_install(folder, ways)}

    Server.folder = folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"

    built, counts, table = {}, collections.Counter(), []
    for way in ways:
        missing = [n for n in way.needs if n not in have]
        version = have.get(way.needs[0], "-")
        version = re.sub(r"^\d+:", "", version)
        wrong = None
        if not missing and way.make and way.make not in built:
            code, _, said = run(BUILDS[way.make], folder)
            built[way.make] = f"does not build: {said[:160]}" if code else None
        if missing:
            counts["skipped"] += 1
            result = f"skipped: {' '.join(missing)} not installed"
        elif way.make and built[way.make]:
            counts["skipped"] += 1
            result = f"skipped: {built[way.make]}"
        elif wrong := judge(way, (folder, "ours"), texts, url):
            plain = judge(way, (folder, "plain"), texts, url)
            kind = "not judged" if plain else \
                "less" if ": less" in wrong else "error"
            counts[kind] += 1
            result = f"not judged: a plain file too: {plain}" if plain \
                else wrong
        else:
            counts["all"] += 1
            result = "all"
        print(f"| {way.name} | {version} | {result} |", flush=True)
        if not result.startswith(("skipped", "not judged")):
            table.append((way, version, result))
    judged = counts["all"] + counts["less"] + counts["error"]
    print(f"{judged} ways: {counts['all']} read all, {counts['less']} less "
          f"without an error, {counts['error']} with an error; "
          f"{counts['not judged']} not judged, {counts['skipped']} skipped")
    if args.m:
        pathlib.Path(args.m).write_text(page(table), encoding="utf-8")
    return 0 if judged and judged == counts["all"] else 1


if __name__ == "__main__":
    sys.exit(main())
