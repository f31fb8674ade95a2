# The classes of error, as a section of a manual page: what shardmill.h says of
# each, and what the table in err.c has of it.
#
#	awk -f errors.awk src/base/err.c include/shardmill.h

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/`/, "", s)
	return s
}

# { SM_EIO, "io", true, 4 },
FNR == NR && /^\t\{ SM_E[A-Z]+, "/ {
	gsub(/[{},]/, "")
	name[$1] = $2
	retry[$1] = $3
	exit_of[$1] = $4
	next
}
FNR == NR {
	next
}
/^enum sm_code/ {
	here = 1
}
!here {
	next
}
/^\};/ {
	exit
}
/^\t\/\*/ {
	text = ""
}
/^\t(\/\*| \*)/ {
	line = $0
	gsub(/^\t(\/\*| \*) ?| ?\*\/$/, "", line)
	text = text (text == "" ? "" : " ") line
	next
}
/^\tSM_E/ {
	code = $1
	if (!(code in name) || text == "") {
		print "errors.awk: nothing is said of " code >"/dev/stderr"
		failed = 1
		exit 1
	}
	print ".TP"
	print ".B " code
	gsub(/"/, "", name[code])
	printf "%s, exit status %d, %s.\n", escape(name[code]), exit_of[code],
		retry[code] == "true" ? "tried again" : "not tried again"
	print escape(text)
	said[code] = 1
	text = ""
}
END {
	if (failed)
		exit 1
	for (code in name)
		if (!(code in said)) {
			print "errors.awk: shardmill.h lacks " code \
				>"/dev/stderr"
			exit 1
		}
}
