# A schema, prose with DDL in it, as a manual page's text: comments that begin
# a line are paragraphs, all else stands as it is.

function flush() {
	if (par != "") {
		print ".PP"
		print par
	}
	par = ""
	if (code)
		print ".EE"
	code = 0
}

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/~/, "\\(ti", s)
	gsub(/\^/, "\\(ha", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}

# Tabs are of 8 columns, whatever troff's are.
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

/^CREATE TABLE/ {
	name = $3
	flush_par = par
	par = ""
	flush()
	print ".SS " name
	par = flush_par
}
# What comes before the first table is for those who change it.
name == "" {
	if ($0 ~ /^--/)
		par = par == "" ? escape(substr($0, 4)) : par "\n" \
			escape(substr($0, 4))
	else
		par = ""
	next
}
/^--/ {
	if (code)
		flush()
	line = escape(substr($0, 4))
	if (line == "")
		flush()
	else
		par = par == "" ? line : par "\n" line
	next
}
/^$/ {
	# A comment belongs to what follows it.
	if (code)
		flush()
	next
}
{
	if (!code) {
		flush()
		print ".PP"
		print ".EX"
	}
	code = 1
	print escape(expand($0))
}
END {
	flush()
}
