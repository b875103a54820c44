# iniparser ships neither a .pc nor a CMake file in Debian.
find_path(INIPARSER_INCLUDE_DIR iniparser.h PATH_SUFFIXES iniparser)
find_library(INIPARSER_LIBRARY iniparser)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Iniparser REQUIRED_VARS INIPARSER_LIBRARY INIPARSER_INCLUDE_DIR)
if(Iniparser_FOUND AND NOT TARGET Iniparser::iniparser)
  add_library(Iniparser::iniparser UNKNOWN IMPORTED)
  set_target_properties(Iniparser::iniparser PROPERTIES IMPORTED_LOCATION ${INIPARSER_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${INIPARSER_INCLUDE_DIR})
endif()
