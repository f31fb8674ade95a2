# What the program's tables say goes into the manual and to the shells.
file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/tools
	tools/*.1 tools/*.7)
set(made "")
add_custom_command(OUTPUT options.roff
	COMMAND shardmill --manual > options.roff
	DEPENDS shardmill VERBATIM)
foreach(page ${pages})
	configure_file(tools/${page} ${page}.in @ONLY)
	add_custom_command(OUTPUT man/${page}
		COMMAND sed -e "/ The build puts what/r options.roff"
			${page}.in > man/${page}
		DEPENDS options.roff ${CMAKE_CURRENT_BINARY_DIR}/${page}.in
		VERBATIM)
	list(APPEND made ${CMAKE_CURRENT_BINARY_DIR}/man/${page})
endforeach()
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
