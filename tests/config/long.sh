# long - tests that take gigabytes, or minutes to an hour
build release -DSHARDMILL_FAULTS=OFF && {
	LONG=1 e2e_timeout=1800 e2e release 1150
	LONG=1 unit_timeout=3600 unit release '^test_(record_large|final_every)$'
	numtext release --long
}
