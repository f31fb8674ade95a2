-- client.lua FILE STEPS - Lua, LuaSQL
local path, steps = arg[1], arg[2]
local db = require("luasql.sqlite3").sqlite3():connect(path)
local function rows(sql)
	local cursor = assert(db:execute(sql))
	local all = {}
	if type(cursor) ~= "number" then
		local row = cursor:fetch({}, "n")
		while row do
			all[#all + 1] = row[1]
			row = cursor:fetch({}, "n")
		end
		cursor:close()
	end
	return all
end
local function now()
	local file = io.open("/proc/uptime")
	local s = file:read("n")
	file:close()
	return s
end
for line in io.lines(steps) do
	local op, a, b = line:match("^(%w+)\t([^\t]*)\t?(.*)$")
	local begun, value = now(), ""
	local good, why = pcall(function()
		if op == "timeout" then rows("PRAGMA busy_timeout = " .. a)
		elseif op == "sleep" then os.execute("sleep " .. tonumber(a) / 1000)
		elseif op == "storm" then
			value = 0
			for _ = 1, tonumber(a) do
				if not pcall(rows, b) then value = value + 1 end
			end
		elseif op == "value" then value = rows(a)[1]
		elseif op == "rows" then value = #rows(a)
		else rows(a) end
	end)
	if not good then value = tostring(why):gsub("\n", " ") end
	-- A float is written with 14 digits.
	value = math.tointeger(value) or value
	print(string.format("%.0f\t%s\t%s", 1000 * (now() - begun),
		good and "ok" or "no", tostring(value)))
	io.stdout:flush()
end
