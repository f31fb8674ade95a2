# A file of code as it stands, for a manual page.

{
	out = ""
	for (i = 1; i <= length($0); i++) {
		c = substr($0, i, 1)
		if (c != "\t")
			out = out c
		else
			out = out substr("        ", length(out) % 8 + 1)
	}
	gsub(/\\/, "\\e", out)
	gsub(/-/, "\\-", out)
	gsub(/~/, "\\(ti", out)
	gsub(/\^/, "\\(ha", out)
	if (out ~ /^[.']/)
		out = "\\&" out
	print out
}
