-- read.lua WAY FILE - the text
local zlib = require("zlib")
local way, name = arg[1], arg[2]
local file = assert(io.open(name, "rb"))
local inflate = zlib.inflate()
if way == "whole" then
	local text, eof = inflate(file:read("a"))
	assert(eof, "no end")
	io.write(text)
else
	while true do
		local part = file:read(10000)
		if not part then break end
		io.write((inflate(part)))
	end
end
