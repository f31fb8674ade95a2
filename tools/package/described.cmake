# What is said in tables, comments and READMEs goes into the manual and to the
# shells.  A line ".\" The build puts FILE here." of a page is replaced.
set(here ${CMAKE_CURRENT_SOURCE_DIR}/tools/package)
set(made "")

# The program itself says what its tables of options have.  Of the commands
# below CMake takes one from PATH where this host cannot run it.
set(program "${CMAKE_CROSSCOMPILING_EMULATOR}$<SEMICOLON>$<TARGET_FILE:shardmill>")
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
	find_program(SHARDMILL_OF_HOST shardmill NO_CMAKE_FIND_ROOT_PATH)
	if(NOT SHARDMILL_OF_HOST)
		message(FATAL_ERROR "The manual is written by shardmill itself, "
			"which this host cannot run: name an emulator "
			"(-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static) "
			"or put a shardmill of this host and version on PATH")
	endif()
	set(program ${SHARDMILL_OF_HOST})
endif()

# inserted(NAME SOURCE AWK...): NAME is what awk makes of SOURCE
function(inserted name source)
	add_custom_command(OUTPUT ${name}
		COMMAND awk ${ARGN} ${CMAKE_CURRENT_SOURCE_DIR}/${source}
			> ${name}
		DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
			${here}/header.awk ${here}/sql.awk ${here}/md.awk
			${here}/code.awk ${here}/errors.awk
			${CMAKE_CURRENT_SOURCE_DIR}/src/base/err.c
		VERBATIM)
endfunction()
add_custom_command(OUTPUT options.roff
	COMMAND shardmill --manual > options.roff
	DEPENDS shardmill VERBATIM)
inserted(header.roff include/shardmill.h -f ${here}/header.awk)
inserted(first.roff tools/package/first.c -f ${here}/code.awk)
inserted(producer.roff tests/examples/export.c -f ${here}/code.awk)
inserted(errors.roff include/shardmill.h -f ${here}/errors.awk
	${CMAKE_CURRENT_SOURCE_DIR}/src/base/err.c)
inserted(database.roff schema/README.md -f ${here}/md.awk)
inserted(tables.roff schema/tables.sql -f ${here}/sql.awk)
inserted(totals.roff schema/totals.sql -f ${here}/sql.awk)
inserted(queries.roff schema/queries.sql -f ${here}/code.awk)
inserted(format.roff src/README.md -f ${here}/md.awk
	-v "section=Shards and final files")

file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
	tools/*.1 tools/*.7 tools/package/*.3 tools/package/*.5)
foreach(page ${pages})
	get_filename_component(name ${page} NAME)
	configure_file(${page} ${name}.in @ONLY)
	file(STRINGS ${page} marks REGEX "The build puts .* here\\.")
	set(edits "")
	set(parts "")
	foreach(mark ${marks})
		string(REGEX REPLACE ".*puts (.*) here.*" "\\1" part "${mark}")
		list(APPEND edits -e "/ The build puts ${part} here/r ${part}")
		list(APPEND parts ${CMAKE_CURRENT_BINARY_DIR}/${part})
	endforeach()
	add_custom_command(OUTPUT man/${name}
		COMMAND sed -e "" ${edits} ${name}.in > man/${name}
		DEPENDS ${parts} ${CMAKE_CURRENT_BINARY_DIR}/${name}.in
		VERBATIM)
	list(APPEND made ${CMAKE_CURRENT_BINARY_DIR}/man/${name})
endforeach()
add_custom_command(OUTPUT pages.done
	COMMAND ${CMAKE_COMMAND} "-DPROGRAM=${program}"
		-DDIR=${CMAKE_CURRENT_SOURCE_DIR}
		-DFROM=${CMAKE_CURRENT_BINARY_DIR}/shardmill.1.in
		-DTO=${CMAKE_CURRENT_BINARY_DIR}/man -P ${here}/pages.cmake
	COMMAND ${CMAKE_COMMAND} -E touch pages.done
	DEPENDS shardmill ${CMAKE_CURRENT_BINARY_DIR}/shardmill.1.in
		${here}/pages.cmake ${here}/page.awk
	VERBATIM)
list(APPEND made ${CMAKE_CURRENT_BINARY_DIR}/pages.done)

foreach(shell bash zsh fish)
	add_custom_command(OUTPUT completion.${shell}
		COMMAND shardmill --completion ${shell} > completion.${shell}
		DEPENDS shardmill VERBATIM)
	list(APPEND made ${CMAKE_CURRENT_BINARY_DIR}/completion.${shell})
endforeach()
# Where a build's own program finds it, as an installed one in share/.
configure_file(tools/shardmill.py python/shardmill.py COPYONLY)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man)
add_custom_target(described ALL DEPENDS ${made})
