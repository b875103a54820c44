# Language level, warnings and floating-point rules that every target shares. Contraction off is part of exact numerics.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(ardm_warnings INTERFACE)
target_compile_options(ardm_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wundef -Wvla -Wno-missing-field-initializers -ffp-contract=off)
target_compile_definitions(ardm_warnings INTERFACE _POSIX_C_SOURCE=200809L CL_TARGET_OPENCL_VERSION=120)
option(ARDM_WERROR "warnings are errors" OFF)
if(ARDM_WERROR)
  target_compile_options(ardm_warnings INTERFACE -Werror)
endif()
if(ARDM_SANITIZE)
  target_compile_options(ardm_warnings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(ardm_warnings INTERFACE -fsanitize=address,undefined)
endif()
if(ARDM_FUZZ)
  target_compile_options(ardm_warnings INTERFACE -fsanitize=fuzzer-no-link) # coverage guides the fuzzer
endif()
add_library(ardm::warnings ALIAS ardm_warnings)
