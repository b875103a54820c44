# ardm_embed_kernels(TARGET file.cl …): each becomes `const char *const ardm_cl_<name>` (name: path with / and . as _,
# without .cl), the text opening with #line 1 "<folder>/<file>". Byte arrays, since long string literals are errors.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
function(ardm_embed_kernels target)
  file(GLOB_RECURSE shared CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.clh) # what kernels of a folder include
  foreach(file ${ARGN})
    string(REGEX REPLACE "\\.(cl|h)$" "" symbol ${file})
    string(REGEX REPLACE "^.*include/ardm/" "" symbol ${symbol})
    string(REGEX REPLACE "[^A-Za-z0-9]" "_" symbol ${symbol})
    set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded/ardm_cl_${symbol}.c)
    file(RELATIVE_PATH shown ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    add_custom_command(OUTPUT ${output}
      COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/embed.py ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${shown} ardm_cl_${symbol} ${output}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${shared} ${CMAKE_SOURCE_DIR}/cmake/embed.py VERBATIM)
    target_sources(${target} PRIVATE ${output})
  endforeach()
endfunction()
