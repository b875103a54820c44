# The device side: OpenCL alone meets these files. Kernels get exact.h as their prelude, embedded as ardm_cl_exact.
foreach(source device_list.c device.c queue.c buffer.c kernel.c program_cache.c probe.c)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    target_sources(ardm_runtime PRIVATE ${source})
  endif()
endforeach()
if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/include/ardm/exact.h)
  ardm_embed_kernels(ardm_runtime include/ardm/exact.h probe.cl)
endif()
