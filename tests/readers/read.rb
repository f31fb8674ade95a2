# read.rb WAY FILE|URL - the text
require "net/http"
require "zlib"
way, arg = ARGV
$stdout.binmode
case way
when "GzipReader.read" then Zlib::GzipReader.open(arg) { |f| print f.read }
when "GzipReader.each_line"
  Zlib::GzipReader.open(arg) { |f| f.each_line { |line| print line } }
when "Zlib.gunzip" then print Zlib.gunzip(File.binread(arg))
when "Inflate" then print Zlib::Inflate.new(31).inflate(File.binread(arg))
when "zcat" then Zlib::GzipReader.zcat(File.open(arg, "rb")) { |s| print s }
when "Net::HTTP" then print Net::HTTP.get(URI(arg))
end
