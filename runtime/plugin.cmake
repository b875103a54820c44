# Plugins: finding them, lending them streams and memory, and what callers see of them.
target_sources(ardm_runtime PRIVATE loader.c task.c modality.c source.c ranks.c)
set_source_files_properties(loader.c task.c PROPERTIES COMPILE_DEFINITIONS
  "ARDM_LIBDIR=\"${CMAKE_INSTALL_LIBDIR}\";ARDM_VERSION=\"${PROJECT_VERSION}\"")
