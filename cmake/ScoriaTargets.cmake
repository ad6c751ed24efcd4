# scoria_library(<folder> USES <folders…> LINK <libraries…> [EXCLUDE …])
#
# One static library per folder of src/. It sees exactly the folders it declares: its include path is a directory of
# links to those folders, so an include that the architecture forbids does not build. *_test.cpp files become the
# executable <folder>_test, run by ctest. Files that match one of the patterns of ALONE are never compiled together with others:
# they share names in their anonymous namespaces.
add_library(scoria_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_compile_options(scoria_pch PRIVATE ${SCORIA_WARNINGS})
target_link_libraries(scoria_pch PRIVATE fmt::fmt tl::expected Threads::Threads)
target_precompile_headers(scoria_pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <thread> <utility> <variant> <vector> <fmt/core.h> <tl/expected.hpp>)

add_library(scoria_test_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_compile_options(scoria_test_pch PRIVATE ${SCORIA_WARNINGS} ${SCORIA_TEST_OPTIONS})
target_link_libraries(scoria_test_pch PRIVATE fmt::fmt tl::expected Threads::Threads GTest::gtest GTest::gmock)
target_precompile_headers(scoria_test_pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <thread> <utility> <variant> <vector> <fmt/core.h> <tl/expected.hpp> <gtest/gtest.h>)

function(scoria_layer target)
  set(view ${CMAKE_BINARY_DIR}/layers/${target})
  file(MAKE_DIRECTORY ${view})
  foreach(folder ${ARGN})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${folder} ${view}/${folder} SYMBOLIC)
  endforeach()
  target_include_directories(${target} PRIVATE ${view})
endfunction()

# Compiles several files of a target as one (docs/decisions/0013-compiled-together.md).
function(scoria_together target)
  if(SCORIA_TOGETHER GREATER 1)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${SCORIA_TOGETHER})
  endif()
endfunction()

function(scoria_library folder)
  cmake_parse_arguments(arg "" "" "USES;LINK;EXCLUDE;TEST_USES;TEST_LINK;ALONE" ${ARGN})
  set(root ${CMAKE_SOURCE_DIR}/src/${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*.cpp)
  foreach(pattern ${arg_ALONE})
    set(alone ${sources})
    list(FILTER alone INCLUDE REGEX ${pattern})
    set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endforeach()
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  foreach(pattern ${arg_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX ${pattern})
    list(FILTER tests EXCLUDE REGEX ${pattern})
  endforeach()
  if(NOT sources)
    set(sources ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
  endif()

  add_library(scoria_${folder} STATIC ${sources})
  scoria_together(scoria_${folder})
  target_compile_options(scoria_${folder} PRIVATE ${SCORIA_WARNINGS})
  target_precompile_headers(scoria_${folder} REUSE_FROM scoria_pch)
  scoria_layer(scoria_${folder} ${folder} ${arg_USES})
  list(TRANSFORM arg_USES PREPEND scoria_ OUTPUT_VARIABLE used)
  target_link_libraries(scoria_${folder} PUBLIC ${used} ${arg_LINK} fmt::fmt tl::expected Threads::Threads)

  if(tests)
    add_executable(${folder}_test ${tests})
    scoria_together(${folder}_test)
    target_compile_options(${folder}_test PRIVATE ${SCORIA_WARNINGS} ${SCORIA_TEST_OPTIONS})
    target_precompile_headers(${folder}_test REUSE_FROM scoria_test_pch)
    scoria_layer(${folder}_test ${folder} ${arg_USES} ${arg_TEST_USES})
    list(TRANSFORM arg_TEST_USES PREPEND scoria_ OUTPUT_VARIABLE test_used)
    target_link_libraries(${folder}_test PRIVATE scoria_${folder} ${test_used} ${arg_TEST_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
    add_test(NAME unit.${folder} COMMAND ${folder}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(unit.${folder} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
  foreach(source ${fuzzers})
    scoria_fuzzer(${folder} ${source} ${arg_USES})
  endforeach()
endfunction()

# x_fuzz.cpp defines LLVMFuzzerTestOneInput. Under the preset "fuzz" it becomes a libFuzzer program; in every other build
# the test corpus.x runs it over the kept inputs in tests/corpus/x.
function(scoria_fuzzer folder source)
  get_filename_component(stem ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${stem})
  add_executable(${stem} ${source})
  target_compile_options(${stem} PRIVATE ${SCORIA_WARNINGS})
  scoria_layer(${stem} ${folder} ${ARGN})
  target_link_libraries(${stem} PRIVATE scoria_${folder})
  if(SCORIA_SANITIZE STREQUAL fuzzer)
    target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${stem} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/replay_corpus.cpp)
    add_test(NAME corpus.${name} COMMAND ${stem} ${CMAKE_SOURCE_DIR}/tests/corpus/${name})
    set_tests_properties(corpus.${name} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()
