# The pages of the commands: one for each that the program's help lists.
#
#	cmake -DPROGRAM=shardmill -DDIR=SOURCE -DFROM=shardmill.1 -DTO=man
#		-P pages.cmake
#
# PROGRAM may have its emulator before it, as a list.
function(run)
	execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE help
	COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "^.*\ncommands:\n" "" help "${help}")
string(REGEX REPLACE "\n\n.*$" "\n" help "${help}")
string(REPLACE ";" "," help "${help}")
string(REGEX MATCHALL "  [a-z-]+ +[^\n]*\n" lines "${help}")
if(NOT lines)
	message(FATAL_ERROR "no command in the help of ${PROGRAM}")
endif()
foreach(line ${lines})
	string(REGEX REPLACE "^  ([a-z-]+) .*" "\\1" name "${line}")
	set(see "")
	if(EXISTS ${DIR}/tools/shardmill-${name}.7)
		string(REPLACE "-" "\\\\-" see "shardmill-${name}")
	endif()
	run(${PROGRAM} --manual ${name} OUTPUT_FILE ${TO}/${name}.part)
	run(awk -v name=${name} -v see=${see}
		-f ${DIR}/tools/package/page.awk ${FROM} ${TO}/${name}.part
		OUTPUT_FILE ${TO}/shardmill-${name}.1)
	file(REMOVE ${TO}/${name}.part)
endforeach()
