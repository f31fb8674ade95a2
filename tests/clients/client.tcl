# client.tcl FILE STEPS - Tcl, sqlite3
package require sqlite3
lassign $argv path steps
sqlite3 db $path
set file [open $steps]
while {[gets $file line] >= 0} {
	lassign [split $line "\t"] op a b
	set begun [clock milliseconds]
	set word ok
	set value ""
	if {[catch {
		switch $op {
			timeout { db timeout $a }
			sleep { after $a }
			storm {
				set value 0
				for {set i 0} {$i < $a} {incr i} {
					if {[catch {db eval $b}]} { incr value }
				}
			}
			value { set value [db onecolumn $a] }
			rows {
				set value 0
				db eval $a row { incr value }
			}
			default { db eval $a }
		}
	} e]} {
		set word no
		set value $e
	}
	puts "[expr {[clock milliseconds] - $begun}]\t$word\t$value"
	flush stdout
}
