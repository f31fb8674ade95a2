# The Markdown of this tree's READMEs as a manual page's text.
#
#	awk [-v section=TITLE] -f md.awk FILE
#
# All below the title, or one section of it.  A table becomes a list: a row's
# first cell is the tag, and the third and later ones have their columns' names
# before them.

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/~/, "\\(ti", s)
	gsub(/\^/, "\\(ha", s)
	return s
}

# Code, bold and italics of a paragraph, whose marks do not cross.
function inline(s,    out, i, c, n, end) {
	gsub(/\]\([^)]*\)/, "]", s)
	out = ""
	while (s != "") {
		c = substr(s, 1, 1)
		if (c == "`" && (end = index(substr(s, 2), "`"))) {
			out = out "\\fB" escape(substr(s, 2, end - 1)) "\\fR"
			s = substr(s, end + 2)
		} else if (substr(s, 1, 2) == "**" && \
		    (end = index(substr(s, 3), "**"))) {
			out = out "\\fB" inline(substr(s, 3, end - 1)) "\\fR"
			s = substr(s, end + 4)
		} else if (c == "*" && (end = index(substr(s, 2), "*")) > 1) {
			out = out "\\fI" escape(substr(s, 2, end - 1)) "\\fR"
			s = substr(s, end + 2)
		} else {
			n = match(substr(s, 2), /[`*]/)
			if (n == 0)
				n = length(s)
			out = out escape(substr(s, 1, n))
			s = substr(s, n + 1)
		}
	}
	return out
}

# No line may begin like a request; a sentence begins a line.
function text(s) {
	s = inline(s)
	gsub(/\001/, "|", s)
	gsub(/\. +/, ".\n", s)
	gsub(/\n\./, "\n\\\\\\&.", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	print s
}

function flush() {
	if (par != "") {
		print begin
		text(par)
	}
	par = ""
	begin = ".PP"
	if (code) {
		print ".EE"
		print ".RE"
	}
	code = 0
}

function verbatim(s) {
	if (!code) {
		flush()
		print ".PP"
		print ".RS 4"
		print ".EX"
	}
	code = 1
	s = escape(s)
	if (s ~ /^[.']/)
		s = "\\&" s
	print s
}

function row(line,    n, i, cell, body) {
	gsub(/\\\|/, "\001", line)
	sub(/^\| */, "", line)
	sub(/ *\|$/, "", line)
	n = split(line, cell, / *\| */)
	if (!in_table) {
		flush()
		for (i = 1; i <= n; i++)
			head[i] = cell[i]
		in_table = 1
		if (head[1] == "")
			return
		print ".TP"
		text("*" head[1] "*")
		print head[2] == "" ? "\\&" : "\\fI" inline(head[2]) "\\fR"
		return
	}
	print ".TP"
	if (cell[1] == "")
		cell[1] = "\\&"
	text(cell[1])
	body = cell[2]
	for (i = 3; i <= n; i++) {
		if (cell[i] == "")
			continue
		if (head[i] != "")
			body = body ". *" toupper(substr(head[i], 1, 1)) \
				substr(head[i], 2) ":* " cell[i]
		else
			body = body (body == "" ? "" : ": ") cell[i]
	}
	text(body == "" ? "\\&" : body)
}

BEGIN {
	on = section == ""
	begin = ".PP"
}

/^```/ {
	flush()
	fenced = !fenced
	next
}
fenced {
	if (on)
		verbatim($0)
	next
}
/^#+ / {
	flush()
	in_table = 0
	title = $0
	sub(/^#+ /, "", title)
	level = index($0, " ") - 1
	if (section != "") {
		if (title == section) {
			on = found = 1
			top = level
			next
		}
		if (on && level <= top)
			on = 0
	}
	if (on && level > 1)
		print (level - (section != "") <= 2 ? ".SH \"" toupper(title) \
			: ".SS \"" title) "\""
	next
}
!on {
	next
}
/^\|[-| ]*\|$/ {
	next
}
/^\|/ {
	row($0)
	next
}
/^    / {
	verbatim(substr($0, 5))
	next
}
/^$/ {
	in_table = 0
	flush()
	next
}
/^- / {
	flush()
	begin = ".IP \\(bu 2"
	par = substr($0, 3)
	next
}
{
	if (code)
		flush()
	sub(/^  /, "")
	par = par == "" ? $0 : par " " $0
}
END {
	flush()
	if (section != "" && !found) {
		print FILENAME ": no section '" section "'" >"/dev/stderr"
		exit 1
	}
}
