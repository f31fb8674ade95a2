# read.tcl WAY FILE - the text
lassign $argv way name
set file [open $name rb]
fconfigure stdout -translation binary
switch $way {
	"zlib gunzip" { puts -nonewline [zlib gunzip [read $file]] }
	"push read" {
		zlib push gunzip $file
		puts -nonewline [read $file]
	}
	"push fcopy" {
		zlib push gunzip $file
		fcopy $file stdout
	}
}
