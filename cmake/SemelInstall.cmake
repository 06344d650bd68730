# What `cmake --install` lays down: the library, its headers, the wire messages, the command, and the package files
# with which find_package(semel) gives semel::semel.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/semel)

install(TARGETS semel EXPORT semelTargets FILE_SET HEADERS)
install(EXPORT semelTargets NAMESPACE semel:: DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/api/proto/semel DESTINATION ${CMAKE_INSTALL_DATADIR}/semel/proto)
if(TARGET semel_cli)
  install(TARGETS semel_cli)
  if(TARGET semel_peers)
    install(TARGETS semel_peers LIBRARY DESTINATION lib/semel)  # where the command looks for it
  endif()
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/semelConfig.cmake.in ${PROJECT_BINARY_DIR}/semelConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/semelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/semelConfig.cmake ${PROJECT_BINARY_DIR}/semelConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindLMDB.cmake ${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake DESTINATION ${package_dir})
