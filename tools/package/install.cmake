# What is installed, and where: three components, as Debian splits a library
# from its program and from what is needed to build with it.
#
#	cmake --install BUILD [--prefix DIR] [--component program|library|dev]
#
# All of it may be moved to another prefix afterwards.
include(CMakePackageConfigHelpers)

set(configs ${CMAKE_INSTALL_LIBDIR}/cmake/shardmill)
# From the place of shardmill.pc to the prefix, wherever that is.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
	${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(tools/package/shardmill.pc.in shardmill.pc @ONLY)

install(TARGETS shardmill COMPONENT program)
install(TARGETS shardmill_shared EXPORT shardmill-shared
	LIBRARY COMPONENT library NAMELINK_COMPONENT dev)
install(TARGETS shardmill_static EXPORT shardmill-static
	ARCHIVE COMPONENT dev)

install(FILES include/shardmill.h TYPE INCLUDE COMPONENT dev)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shardmill.pc DESTINATION ${pc_dir}
	COMPONENT dev)
foreach(kind shared static)
	install(EXPORT shardmill-${kind} NAMESPACE shardmill::
		DESTINATION ${configs} COMPONENT dev)
endforeach()
write_basic_package_version_file(shardmill-config-version.cmake
	COMPATIBILITY SameMinorVersion)
install(FILES tools/package/shardmill-config.cmake
	${CMAKE_CURRENT_BINARY_DIR}/shardmill-config-version.cmake
	DESTINATION ${configs} COMPONENT dev)

install(FILES tools/shardmill.py schema/status.schema.json
	schema/status-batch.schema.json schema/ls.schema.json schema/queries.sql
	DESTINATION ${CMAKE_INSTALL_DATADIR}/shardmill COMPONENT program)
foreach(section 1 3 5 7)
	set(component program)
	if(section EQUAL 3)
		set(component dev)
	endif()
	install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man/
		DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
		COMPONENT ${component} FILES_MATCHING PATTERN *.${section})
endforeach()
# Debian's zsh looks for what packages bring in a place of its own.
set(zsh zsh/site-functions)
if(SHARDMILL_PACKAGE)
	set(zsh zsh/vendor-completions)
endif()
set(completion ${CMAKE_CURRENT_BINARY_DIR}/completion)
install(FILES ${completion}.bash RENAME shardmill COMPONENT program
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completion}.zsh RENAME _shardmill COMPONENT program
	DESTINATION ${CMAKE_INSTALL_DATADIR}/${zsh})
install(FILES ${completion}.fish RENAME shardmill.fish COMPONENT program
	DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
