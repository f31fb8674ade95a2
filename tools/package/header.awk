# shardmill.h as libshardmill(3): its comments are the text, its declarations
# stand as they are.  Titles between lines of dashes begin a section.

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/~/, "\\(ti", s)
	gsub(/\^/, "\\(ha", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}

function expand(s,    out, i, c) {
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c != "\t")
			out = out c
		else
			out = out substr("        ", length(out) % 8 + 1)
	}
	return out
}

function end_code() {
	if (code)
		print ".EE"
	code = 0
}

# A line of code.  Declarations of one group stand together.
function put_code(s) {
	if (!code) {
		print ".PP"
		print ".EX"
	}
	code = 1
	for (; blank > 0; blank--)
		print ""
	print escape(expand(s))
}

# A line of a comment, without what is around it.
function put_text(s) {
	if (s ~ /^\t/) {
		blank = 0
		put_code(substr(s, 2))
		return
	}
	end_code()
	blank = 0
	if (begin && s != "")
		print ".PP"
	begin = s == ""
	if (s != "") {
		gsub(/`/, "", s)
		# Two spaces after a full stop are troff's to make.
		gsub(/\.  /, ".\n", s)
		print escape(s)
	}
}

# What is for the compiler alone.
/^#ifndef SHARDMILL_H/ || /^#define SHARDMILL_H/ || /^#include/ {
	next
}
/^#if(def|ndef)? / {
	hidden++
	next
}
/^#endif/ {
	hidden--
	next
}
hidden > 0 {
	next
}

/^\/\* -+ .* -+ \*\/$/ {
	end_code()
	blank = 0
	title = $0
	gsub(/^\/\* -+ | -+ \*\/$/, "", title)
	print ".SH \"" toupper(escape(title)) "\""
	begin = 0
	next
}
/^\/\*.*\*\/$/ {
	line = $0
	gsub(/^\/\* | \*\/$/, "", line)
	begin = 1
	put_text(line)
	next
}
/^\/\*/ {
	comment = 1
	begin = 1
	line = substr($0, 4)
	if (line != "")
		put_text(line)
	next
}
comment && /\*\/$/ {
	comment = 0
	line = $0
	sub(/^ \*\/?/, "", line)
	sub(/ *\*\/$/, "", line)
	sub(/^ /, "", line)
	if (line != "")
		put_text(line)
	next
}
comment {
	line = $0
	sub(/^ \*/, "", line)
	sub(/^ /, "", line)
	put_text(line)
	next
}
/^$/ {
	if (code)
		blank = 1
	next
}
# What SM_API took of the first line, the others were indented by.
{
	shorter = shorter && /^[\t ]/
	if (sub(/^SM_API /, ""))
		shorter = 1
	else if (shorter && substr(expand($0), 1, 7) ~ /^ +$/)
		$0 = substr(expand($0), 8)
	put_code($0)
	if (/;/)
		shorter = 0
}
END {
	end_code()
}
