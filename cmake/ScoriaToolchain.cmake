# Compiler flags, sanitizers, ccache and mold. One place for everything that is not about our own targets.
set(SCORIA_SANITIZE "" CACHE STRING "address (with undefined), thread, or fuzzer (clang; with address and undefined)")

# A build from nothing takes less than half the time with 8; what is edited and built again and again is fastest with 1.
set(SCORIA_TOGETHER 1 CACHE STRING "How many files of a target are compiled as one")

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header needs the sloppiness, and -fpch-preprocess below, to be cacheable.
  set(launcher env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
set_property(GLOBAL PROPERTY JOB_POOLS compile=2 link=1)
set(CMAKE_JOB_POOL_COMPILE compile)
set(CMAKE_JOB_POOL_LINK link)

set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -D_FORTIFY_SOURCE=2")
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong -fstack-clash-protection -fcf-protection)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_link_options(-Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()

# The code under test is what users run; optimising the tests themselves would be a third of the build.
set(SCORIA_TEST_OPTIONS -Wno-null-dereference)
if(CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo OR SCORIA_SANITIZE)
  list(APPEND SCORIA_TEST_OPTIONS -O0 -U_FORTIFY_SOURCE)
endif()

# Deliberate faults that the simulation can switch on (base/mutants.h); never in what users run.
option(SCORIA_MUTANTS "With the deliberate faults of base/mutants.h, as in debug builds" OFF)
if(CMAKE_BUILD_TYPE STREQUAL Debug OR SCORIA_MUTANTS)
  add_compile_definitions(SCORIA_MUTANTS)
endif()

if(SCORIA_SANITIZE STREQUAL address)
  add_compile_options(-O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(SCORIA_SANITIZE STREQUAL thread)
  add_compile_options(-O1 -fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(SCORIA_SANITIZE STREQUAL fuzzer)
  add_compile_options(-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(SCORIA_SANITIZE)
  message(FATAL_ERROR "SCORIA_SANITIZE is 'address', 'thread' or 'fuzzer', not '${SCORIA_SANITIZE}'")
endif()

# Warnings of our own code only; third-party headers come in as system includes.
set(SCORIA_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
    -Woverloaded-virtual -Wold-style-cast -Wnull-dereference -Wduplicated-cond -Wlogical-op -Wswitch-enum -Werror
    -Wno-missing-field-initializers
    # False positives of gcc 12 at -O2 stay warnings.
    -Wno-error=maybe-uninitialized -Wno-error=restrict -Wno-error=null-dereference -Wno-error=stringop-overflow
    -Wno-error=array-bounds -Wno-error=stringop-overread)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo)
  # Thousands of lines about moved-from variants and assigned strings, none of them true; the sanitizers look for the real ones.
  list(APPEND SCORIA_WARNINGS -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  list(APPEND SCORIA_WARNINGS -Wno-unknown-warning-option -Wno-missing-designated-field-initializers)
endif()
