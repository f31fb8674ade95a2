# find_package(shardmill [COMPONENTS static]): targets shardmill::shardmill,
# the shared library, and with the component `static` shardmill::static.
include(CMakeFindDependencyMacro)

include(${CMAKE_CURRENT_LIST_DIR}/shardmill-shared.cmake)
if(NOT TARGET shardmill::shardmill)
	add_library(shardmill::shardmill ALIAS shardmill::shared)
endif()

set(shardmill_static_FOUND 0)
if("static" IN_LIST shardmill_FIND_COMPONENTS)
	find_dependency(Threads)
	include(${CMAKE_CURRENT_LIST_DIR}/shardmill-static.cmake)
	set(shardmill_static_FOUND 1)
endif()
foreach(component ${shardmill_FIND_COMPONENTS})
	if(NOT shardmill_${component}_FOUND AND
			shardmill_FIND_REQUIRED_${component})
		set(shardmill_FOUND FALSE)
		set(shardmill_NOT_FOUND_MESSAGE
			"there is no component '${component}'; there is static")
	endif()
endforeach()
