# Debian packages: cmake -DSHARDMILL_PACKAGE=ON, build, cpack -G DEB.
#
# The packages follow Debian's split and names.  Their bytes depend on the
# source and the compiler alone: not on directories, umask, user and date.
get_target_property(abi shardmill_shared SOVERSION)
set(deb_library libshardmill${abi})

# The latest version's date, where SOURCE_DATE_EPOCH does not say another.
set(epoch $ENV{SOURCE_DATE_EPOCH})
file(STRINGS tests/CHANGELOG.md released LIMIT_COUNT 1
	REGEX "^## ${PROJECT_VERSION} \\(")
string(REGEX REPLACE ".*\\((.*)\\).*" "\\1" released "${released}")
if(NOT epoch)
	execute_process(COMMAND date -u -d "${released} 00:00" +%s
		OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE
		COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND date -u -R -d @${epoch} OUTPUT_VARIABLE deb_date
	OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

set(SHARDMILL_MAINTAINER "Local build of shardmill <shardmill@localhost>" CACHE
	STRING "Who answers for the Debian packages")
set(CPACK_PACKAGE_NAME shardmill)
set(CPACK_PACKAGE_VENDOR shardmill)
set(CPACK_PACKAGE_CONTACT ${SHARDMILL_MAINTAINER})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/packages)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program library dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE
	OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})

set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(deb_version ${PROJECT_VERSION}-1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE shardmill)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# The parts need each other in the very version; stage.cmake adds what
# dpkg-shlibdeps reads from the binaries.  CPack's own call of it, with shared
# libraries in the package, brings maintainer scripts that run ldconfig.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME shardmill)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "${deb_library} (= ${deb_version})")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS sqlite3)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS python3)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "long jobs as rows of an SQLite table
shardmill turns a job too long to lose into rows of an SQLite table. Worker
processes claim batches, write one gzip shard each and mark the row done. Kill
it, or cut the power: the same command goes on where it stopped. At the end
the shards are joined, in order, into one gzip file, the same bytes whatever
happened on the way.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${deb_library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
# The symbols say less than is needed: STRICT tables are no symbol.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libsqlite3-0 (>= 3.37)")
set(control ${CMAKE_CURRENT_BINARY_DIR}/control)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
	${control}/shlibs ${control}/symbols ${control}/triggers)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
	"long jobs as rows of an SQLite table - library
libshardmill plans, runs and watches jobs whose batches are rows of an SQLite
table, and joins what they make into one gzip file. The program shardmill is
made of it.
.
This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libshardmill-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
	"${deb_library} (= ${deb_version}), "
	"libsqlite3-dev, zlib1g-dev (>= 1:1.2.9), libjansson-dev (>= 2.13)")
set(CPACK_DEBIAN_DEV_DESCRIPTION
	"long jobs as rows of an SQLite table - development files
libshardmill plans, runs and watches jobs whose batches are rows of an SQLite
table, and joins what they make into one gzip file.
.
This package has the header, the static library, and what pkg-config and CMake
find them by.")

# What the files of all packages have in common is done once they are staged.
configure_file(tools/package/stage.cmake.in stage.cmake @ONLY)
configure_file(tools/package/cpack.cmake.in cpack.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/cpack.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_BINARY_DIR}/stage.cmake)
configure_file(tools/package/repack.cmake.in repack.cmake @ONLY)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_BINARY_DIR}/repack.cmake)
include(CPack)
