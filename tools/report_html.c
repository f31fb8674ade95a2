/*
 * What a page consists of whatever is on it: its frame, its style, and text
 * that cannot be taken for marks.  It is apart from the pictures and tables so
 * that the one place where foreign bytes become HTML is short enough to be
 * read.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "output.h"

#include "report.h"

/*
 * Colours are named by meaning; blue is more of what went well, and none of
 * those that differ in meaning differ by red and green alone.  Pictures are
 * stretched to the width, so that all text on them is HTML beside them.
 */
static const char html_style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1b2128;"
	"--dim:#586470;--line:#d3d9df;--card:#f5f7f9;--wait:#dde2e8;"
	"--run:#e3a008;--bad:#c2330f;--pause:#8e63c7;--mix:#c9d8e6;"
	"--d0:#b5d3ee;--d1:#7fb1de;--d2:#4a8cc9;--d3:#2565a3;--d4:#0f3a66}"
	"\n"
	"@media (prefers-color-scheme:dark){:root{--bg:#14181d;"
	"--fg:#e4e8ec;--dim:#9aa6b2;--line:#39424c;--card:#1d232a;"
	"--wait:#313a44;--run:#f0b429;--bad:#ff6b45;--pause:#b794f0;"
	"--mix:#2b4258;--d0:#1f456b;--d1:#2f6ba3;--d2:#4f97d6;--d3:#8cc0ee;"
	"--d4:#d3e8fb}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:1rem;max-width:70rem;"
	"background:var(--bg);color:var(--fg);font:16px/1.45 system-ui,"
	"sans-serif}\n"
	"h1{font-size:1.5rem;margin:.2em 0;overflow-wrap:anywhere}\n"
	"h2{font-size:1.15rem;margin:0 0 .5rem}h3{font-size:1rem;"
	"margin:.8em 0 .3em}\n"
	"p{margin:.4em 0}.dim,figcaption,caption{color:var(--dim);"
	"font-size:.875rem}\n"
	"section{margin:1.1rem 0;padding:.9rem;background:var(--card);"
	"border:1px solid var(--line);border-radius:8px}\n"
	"figure{margin:0 0 .8rem}figure:last-child{margin-bottom:0}svg{"
	"display:block;width:100%}\n"
	".plot{position:relative;padding-top:1.15rem;border:solid "
	"var(--line);border-width:0 0 1px 1px}.plot svg{height:11rem}"
	".low svg{height:5rem}.plot rect,.lane rect{"
	"shape-rendering:crispEdges}\n"
	".top{position:absolute;left:.3rem;top:0;font-size:.75rem;"
	"color:var(--dim)}\n"
	".strip svg{height:.7rem;margin-top:3px}\n"
	".ticks{position:relative;height:1.3rem;font-size:.75rem;"
	"color:var(--dim)}.ticks span{position:absolute;white-space:nowrap}"
	"\n"
	".lane{display:flex;align-items:center;margin:2px 0}.lane span{"
	"flex:0 0 3.4rem;font-size:.75rem;color:var(--dim)}.lane svg{"
	"height:1rem;min-width:0;background:var(--bg)}.inset{"
	"margin-left:3.4rem}\n"
	".map{display:flex;gap:.4rem}.map svg{flex:1;min-width:0}.rows{"
	"position:relative;flex:none;font-size:.7rem;line-height:1;"
	"color:var(--dim);font-variant-numeric:tabular-nums}.rows span{"
	"position:absolute;right:0;transform:translateY(-50%)}\n"
	"dl.figures{display:grid;grid-template-columns:repeat(auto-fill,"
	"minmax(8.5rem,1fr));gap:.6rem;margin:.8rem 0 0}dl.figures div{"
	"min-width:0}dt{font-size:.8rem;color:var(--dim)}dd{margin:0;"
	"font-size:1.15rem;font-variant-numeric:tabular-nums}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;"
	"font-size:.875rem}caption{white-space:nowrap;text-align:left;"
	"padding:.2rem 0}th,td{text-align:left;vertical-align:top;"
	"padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line)}"
	"td.a div{min-width:12rem}th{color:var(--dim);font-weight:600}td.n,"
	"th.n{text-align:right;font-variant-numeric:tabular-nums;"
	"white-space:nowrap}td.w,td.t,td.t span{white-space:nowrap}#inputs code{"
	"display:block;min-width:11rem}td.a{"
	"overflow-wrap:anywhere}\n"
	"code,pre{font:.8125rem/1.4 ui-monospace,monospace}code{"
	"overflow-wrap:anywhere}pre{margin:.4rem 0;padding:.6rem;"
	"max-height:20rem;overflow:auto;white-space:pre-wrap;"
	"overflow-wrap:anywhere;background:var(--bg);border:1px solid "
	"var(--line);border-radius:4px}\n"
	"ul.key{display:flex;flex-wrap:wrap;gap:.2rem .9rem;"
	"list-style:none;margin:.4rem 0 0;padding:0;font-size:.8rem;"
	"color:var(--dim)}.key svg{display:inline-block;width:.8rem;"
	"height:.8rem;margin-right:.3rem;vertical-align:-.08rem}\n"
	".p{fill:var(--wait)}.r{fill:var(--run)}.f{fill:var(--bad)}.m{"
	"fill:var(--mix)}.d0{fill:var(--d0)}.d1{fill:var(--d1)}.d2{"
	"fill:var(--d2)}.d3{fill:var(--d3)}.d4{fill:var(--d4)}.o{"
	"fill:var(--pause)}\n"
	".line{fill:none;stroke:var(--d3);stroke-width:2;"
	"vector-effect:non-scaling-stroke}.area{fill:var(--d1);opacity:.45}"
	".pause{fill:var(--pause);opacity:.4}.gap{fill:var(--line);"
	"opacity:.6}.mark{stroke:var(--fg);stroke-width:1.5;"
	"stroke-dasharray:4 3;vector-effect:non-scaling-stroke}.limit{"
	"stroke:var(--bad)}.begin{stroke:var(--dim)}.none{fill:transparent}"
	".try{stroke:var(--bg);stroke-width:1;vec"
	"tor-effect:non-scaling-stroke}\n"
	"text{font:600 12px system-ui,sans-serif;text-anchor:middle;"
	"fill:var(--fg)}text.on{fill:var(--bg)}text.ink{fill:#14181d}\n"
	".meter{height:.8rem;border-radius:4px;overflow:hidden}.meter svg{"
	"height:100%}\n"
	"@media (max-width:30rem){body{padding:.6rem}section{padding:.7rem}"
	"dl.figures{grid-template-columns:repeat(auto-fill,minmax(6.5rem,"
	"1fr))}dd{font-size:1rem}.lane span{flex-basis:2.2rem}.inset{"
	"margin-left:2.2rem}.long{display:none}td.t{white-space:normal}"
	"td.a div{min-width:9rem}}\n"
	"@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;"
	"--dim:#444;--line:#bbb;--card:#fff;--wait:#dde2e8;--run:#e3a008;"
	"--bad:#c2330f;--pause:#8e63c7;--mix:#c9d8e6;--d0:#b5d3ee;"
	"--d1:#7fb1de;--d2:#4a8cc9;--d3:#2565a3;--d4:#0f3a66}*{"
	"print-color-adjust:exact;-webkit-print-color-adjust:exact}body{"
	"max-width:none;padding:0;font-size:11px}section{border:0;"
	"padding:0}figure,article,tr{break-inside:avoid}h2{"
	"break-after:avoid}pre{max-height:none}.wide{overflow:visible}td,"
	"th{padding-right:.4rem}td.a div,#inputs code{min-width:0}table,code,pre{"
	"font-size:9px}}\n";

/*
 * What a page may not have though it is UTF-8: controls, the marks that turn
 * the direction of text about, and what is no character.
 */
static bool
html_is_allowed(const unsigned char *p, size_t n)
{
	if (n == 1)
		return *p >= 0x20 && *p != 0x7f;
	if (n == 2)
		return !(p[0] == 0xc2 && p[1] < 0xa0);
	if (n == 3 && p[0] == 0xe2)
		return !(p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) &&
		       !(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
	if (n == 3 && p[0] == 0xef)
		return !(p[1] == 0xbf && p[2] >= 0xbe) &&
		       !(p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf);
	return n != 4 || (p[1] & 0x0f) != 0x0f || p[2] != 0xbf || p[3] < 0xbe;
}

static void
html_character(FILE *f, const char *s, size_t n)
{
	if (*s == '\n' || *s == '\t')
		putc(*s, f);
	else if (n == 0 || !html_is_allowed((const unsigned char *)s, n))
		fputs("\xef\xbf\xbd", f);
	else if (*s == '&')
		fputs("&amp;", f);
	else if (*s == '<')
		fputs("&lt;", f);
	else if (*s == '>')
		fputs("&gt;", f);
	else if (*s == '"')
		fputs("&quot;", f);
	else if (*s == '\'')
		fputs("&#39;", f);
	else
		fwrite(s, 1, n, f);
}

void
sm_html_text(FILE *f, const char *s, size_t max)
{
	const char *begin = s;
	size_t n;

	for (; s && *s; s += n > 0 ? n : 1) {
		n = sm_output_utf8(s);
		if ((size_t)(s - begin) + n > max) {
			fprintf(f, " … (%zu bytes more)", strlen(s));
			return;
		}
		html_character(f, s, n);
	}
}

struct sm_text
sm_html_duration(double s)
{
	struct sm_text t;

	if (s >= 0.95 || s <= 0)
		return sm_text_duration(s);
	snprintf(t.s, sizeof(t.s), s < 0.0095 ? "%.1f ms" : "%.0f ms",
		 1000 * s);
	return t;
}

void
sm_html_number(FILE *f, const char *id, uint64_t n)
{
	fprintf(f, "<data id=\"%s\" value=\"%" PRIu64 "\">%s</data>", id, n,
		sm_text_count(n).s);
}

void
sm_html_size(FILE *f, const char *id, uint64_t bytes)
{
	fprintf(f, "<data id=\"%s\" value=\"%" PRIu64 "\">%s</data>", id, bytes,
		sm_text_size(bytes).s);
}

void
sm_html_seconds(FILE *f, const char *id, double s)
{
	fprintf(f, "<data id=\"%s\" value=\"%.3f\">%s</data>", id, s,
		sm_html_duration(s).s);
}

void
sm_html_begin(FILE *f, const char *title, unsigned refresh_s)
{
	fputs("<!DOCTYPE html>\n"
	      "<html lang=\"en\">\n"
	      "<head>\n<meta charset=\"utf-8\"/>\n"
	      /* Nothing is loaded, whatever a name in the job says. */
	      "<meta http-equiv=\"Content-Security-Policy\" content=\""
	      "default-src 'none'; style-src 'unsafe-inline'\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\"/>\n",
	      f);
	if (refresh_s > 0)
		fprintf(f, "<meta http-equiv=\"refresh\" content=\"%u\"/>\n",
			refresh_s);
	fputs("<title>", f);
	sm_html_text(f, title, 200);
	fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		html_style);
}

void
sm_html_end(FILE *f)
{
	fputs("</body>\n</html>\n", f);
}
