# long - tests that take gigabytes, or minutes to an hour; and those by random
# moments and data, of which a regular run does a few rounds, with many; and
# Snakemake beside its line of shardmill-porting(7)
build release -DSHARDMILL_FAULTS=OFF && {
	LONG=1 e2e_timeout=1800 e2e release 1150
	SEEDS=96 FLIPS=2000 KILLS=40 e2e_timeout=1800 e2e release \
		0100 1050 1160 1165 2000 2010 2020 2030 2040 3110
	need_packages snakemake && PEERS=1 e2e release 9025
	LONG=1 unit_timeout=3600 unit release '^test_(record_large|final_every)$'
	numtext release --long
}
