# The commit of the source, as a C string that the build compiles.
#
#	cmake -DOUT=commit.c -DDIR=SOURCE [-DCOMMIT=NAME] -P commit.cmake
#
# Each build runs it; the file is written only if it says something else.  A
# source that is no checkout of its own has the commit it is told, or none.
if(NOT COMMIT)
	execute_process(COMMAND git -C ${DIR} rev-parse --show-toplevel
		OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE
		ERROR_QUIET RESULT_VARIABLE failed)
	if(NOT failed)
		file(REAL_PATH ${top} top)
		file(REAL_PATH ${DIR} here)
		if(top STREQUAL here)
			execute_process(COMMAND git --no-optional-locks -C ${DIR}
				describe --always --dirty --abbrev=12
				--exclude=*
				OUTPUT_VARIABLE COMMIT ERROR_QUIET
				OUTPUT_STRIP_TRAILING_WHITESPACE)
		endif()
	endif()
endif()
if(NOT COMMIT)
	set(COMMIT unknown)
endif()
set(text "extern const char sm_commit[];\n")
string(APPEND text "const char sm_commit[] = \"${COMMIT}\";\n")
if(EXISTS ${OUT})
	file(READ ${OUT} before)
endif()
if(NOT "${before}" STREQUAL "${text}")
	file(WRITE ${OUT} "${text}")
endif()
