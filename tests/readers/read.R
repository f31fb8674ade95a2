# read.R WAY FILE|URL - the text, or the number of its lines
args <- commandArgs(trailingOnly = TRUE)
way <- args[1]
arg <- args[2]

write_lines <- function(con) {
	lines <- readLines(con)
	close(con)
	writeLines(lines)
}
count <- function(n) cat(n, "\n", sep = "")

switch(way,
	"readLines(gzfile)" = write_lines(gzfile(arg)),
	"readLines(file)" = write_lines(file(arg)),
	"readLines(gzcon(file))" = write_lines(gzcon(file(arg, "rb"))),
	"readLines(gzcon(url))" = write_lines(gzcon(url(arg, "rb"))),
	"readLines(gzcon(rawConnection))" = {
		data <- readBin(arg, "raw", file.size(arg))
		write_lines(gzcon(rawConnection(data)))
	},
	"memDecompress" = {
		data <- readBin(arg, "raw", file.size(arg))
		cat(memDecompress(data, "gzip", asChar = TRUE))
	},
	"jsonlite stream_in" = count(nrow(jsonlite::stream_in(gzfile(arg),
		verbose = FALSE, simplifyVector = TRUE))),
	"data.table fread" = count(nrow(data.table::fread(arg, sep = "\x01",
		header = FALSE, quote = ""))),
	"readr read_lines" = count(length(readr::read_lines(arg))),
	"vroom vroom_lines" = count(length(vroom::vroom_lines(arg,
		progress = FALSE))),
	stop(way)
)
