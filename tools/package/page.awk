# The page of one command: what `shardmill --manual NAME` prints, with what
# shardmill.1 says of the command, and the sections there that are its alone.
#
#	awk -v name=NAME [-v see=PAGE] -f page.awk shardmill.1 PAGE

BEGIN {
	alone["status"] = "STATUS IN JSON"
	alone["index"] = "INDEX IN JSON"
	alone["exec"] = "ENVIRONMENT"
}

# Is it one of the names of a tag, such as '.BR pause ", " resume'?
function is_tag(line,    i, n, word) {
	if (line !~ /^\.(B|BR|I|IR) /)
		return 0
	gsub(/[",]/, " ", line)
	gsub(/\\-/, "-", line)
	n = split(line, word, / +/)
	for (i = 2; i <= n; i++)
		if (word[i] == name)
			return 1
	return 0
}

FNR == NR && /^\.SH / {
	section = substr($0, 5)
	gsub(/"/, "", section)
	mine = 0
	next
}
FNR == NR && section == "COMMANDS" && /^\.TP/ {
	tag = 1
	next
}
FNR == NR && section == "COMMANDS" && tag {
	tag = 0
	mine = is_tag($0)
	next
}
FNR == NR && section == "COMMANDS" && mine {
	said = said $0 "\n"
	next
}
FNR == NR && section == alone[name] && section != "" {
	more = more $0 "\n"
	next
}
FNR == NR {
	next
}

/ The build puts what / {
	if (said == "") {
		print "shardmill.1 says nothing of " name >"/dev/stderr"
		exit 1
	}
	printf "%s", said
	next
}
/^\.SH "SEE ALSO"/ {
	if (more != "")
		printf ".SH \"%s\"\n%s", alone[name], more
	print
	if (see != "")
		print ".BR " see " (7),"
	next
}
{
	print
}
