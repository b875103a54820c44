# Installs what is built outside this tree against: headers, libraries, and the package ardm, so that find_package(ardm) gives
# ardm::runtime … ardm::method. Folders add their own targets to the export set ardm-targets.
include(CMakePackageConfigHelpers)

install(TARGETS ardm_runtime EXPORT ardm-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY runtime/include/ardm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ardm)
install(EXPORT ardm-targets NAMESPACE ardm:: DESTINATION ${package})
configure_package_config_file(cmake/ardm-config.cmake.in ${PROJECT_BINARY_DIR}/ardm-config.cmake INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ardm-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ardm-config.cmake ${PROJECT_BINARY_DIR}/ardm-config-version.cmake cmake/FindIniparser.cmake
  DESTINATION ${package})
