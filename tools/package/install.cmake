# What is installed, and where.
configure_file(src/shardmill.pc.in shardmill.pc @ONLY)
install(TARGETS shardmill shardmill_static shardmill_shared)
install(FILES include/shardmill.h TYPE INCLUDE)
install(FILES tools/shardmill.py DESTINATION ${CMAKE_INSTALL_DATADIR}/shardmill)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shardmill.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
foreach(section 1 7)
	install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man/
		DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
		FILES_MATCHING PATTERN *.${section})
endforeach()
set(completions ${CMAKE_CURRENT_BINARY_DIR}/completion)
install(FILES ${completions}.bash RENAME shardmill
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completions}.zsh RENAME _shardmill
	DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${completions}.fish RENAME shardmill.fish
	DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
