# Files are little-endian by definition and extents are 64-bit: nothing else was built or tested.
include(TestBigEndian)
test_big_endian(ARDM_BIG_ENDIAN)
if(ARDM_BIG_ENDIAN OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8 OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "ardm needs 64-bit little-endian Linux; this is ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}")
endif()
