# The device side. OpenCL does not survive a fork, so its tests share one process; the cache folder is a new one.
add_executable(runtime_device device.c device_open.c device_queue.c device_kernel.c device_cache.c device_probe.c)
target_include_directories(runtime_device PRIVATE ${PROJECT_SOURCE_DIR}/runtime)
target_link_libraries(runtime_device PRIVATE ardm::runtime ardm::warnings PkgConfig::CHECK)
add_test(NAME runtime/device COMMAND runtime_device)
set_tests_properties(runtime/device PROPERTIES LABELS runtime ENVIRONMENT "CK_FORK=no" TIMEOUT 300)
# Without any OpenCL driver the reference device is left.
add_test(NAME runtime/device-none COMMAND runtime_device)
set_tests_properties(runtime/device-none PROPERTIES LABELS runtime ENVIRONMENT "CK_FORK=no;OCL_ICD_VENDORS=${CMAKE_CURRENT_BINARY_DIR}/no-vendors" TIMEOUT 60)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/no-vendors)
