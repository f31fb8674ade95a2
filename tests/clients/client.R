# client.R FILE STEPS - R, RSQLite
library(RSQLite)
args <- commandArgs(trailingOnly = TRUE)
db <- dbConnect(SQLite(), args[1], synchronous = NULL, bigint = "numeric")
query <- function(sql) suppressWarnings(dbGetQuery(db, sql))
run <- function(sql) suppressWarnings(dbExecute(db, sql))
for (line in readLines(args[2])) {
  part <- strsplit(line, "\t")[[1]]
  begun <- proc.time()[["elapsed"]]
  said <- tryCatch({
    value <- switch(part[1],
      timeout = { query(paste("PRAGMA busy_timeout =", part[2])); "" },
      sleep = { Sys.sleep(as.numeric(part[2]) / 1000); "" },
      storm = {
        refused <- 0
        for (i in seq_len(as.integer(part[2])))
          tryCatch(run(part[3]), error = function(e) refused <<- refused + 1)
        refused
      },
      value = query(part[2])[[1]][1],
      rows = nrow(query(part[2])),
      { run(part[2]); "" })
    if (is.numeric(value)) value <- format(value, digits = 17)
    c("ok", value)
  }, error = function(e) c("no", gsub("\n", " ", conditionMessage(e))))
  ms <- round(1000 * (proc.time()[["elapsed"]] - begun))
  cat(ms, said, sep = "\t")
  cat("\n")
}
