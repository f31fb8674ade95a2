# Turn tables.sql, totals.sql and views.sql of DIR into OUT, one C byte array each: plain
# numbers, so that no quote, backslash or string length in the SQL matters.
set(text "/* generated from schema/ */\n")
foreach(name tables totals views)
	file(READ ${DIR}/${name}.sql hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(APPEND text "extern const unsigned char sm_schema_${name}[];\n")
	string(APPEND text "const unsigned char sm_schema_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
