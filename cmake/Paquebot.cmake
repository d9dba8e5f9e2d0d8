# Language, warnings, hardening and the one function that declares a folder of the house.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(PAQUEBOT_TESTS "Build the unit tests" ON)
option(PAQUEBOT_FUZZ "Build the fuzzers (needs clang-19)" OFF)
option(PAQUEBOT_BENCH "Build the benchmarks" OFF)
option(PAQUEBOT_UNITY "Compile each folder as one unit: a third of the CPU, and an edit recompiles its folder" OFF)
set(PAQUEBOT_UNITY_FILES 0 CACHE STRING "Files of a folder in one such unit; 0: all")
option(PAQUEBOT_RECYCLE "Keep read buffers and coroutine frames for the next one; off for tools that find their use after" ON)
set(PAQUEBOT_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT PAQUEBOT_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

# All that is built is for programs of our own, which may be loaded anywhere (-pie): as -fPIC, which CMake would choose for the
# libraries, functions could be replaced by other programs' and so are not inlined. Modules are for others to load.
add_compile_options($<IF:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>,-fPIC,-fPIE>)

# All symbols are bound at the start (-z now, below): calls of other libraries need no stub in between.
add_compile_options(-fno-plt)

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wno-missing-field-initializers -fno-omit-frame-pointer)
# Asio's blocks (coroutine frames, handlers) come from operator new, not from aligned_alloc, which has no per-thread cache in
# glibc; nothing in a frame needs more than its alignment.
add_compile_definitions(BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED FMT_ENFORCE_COMPILE_STRING=0
                        SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
if(NOT PAQUEBOT_RECYCLE)
  add_compile_definitions(PAQUEBOT_NO_RECYCLING BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING
                          BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fcoroutines)
endif()

set(PAQUEBOT_TEST_SECONDS 1200) # the most that one test may take
if(PAQUEBOT_SANITIZE)
  set(PAQUEBOT_TEST_SECONDS 2400)
  add_compile_options(-fsanitize=${PAQUEBOT_SANITIZE} -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${PAQUEBOT_SANITIZE})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # GCC 12 takes Asio's paired operator new and delete of coroutine frames for a mismatch once it inlines one of them.
  add_compile_options(-Wno-mismatched-new-delete)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fcf-protection -g1)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

if(PAQUEBOT_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Types of anonymous namespaces are then in an included file, which is the unit's own all the same.
  add_compile_options(-Wno-subobject-linkage)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
if(PAQUEBOT_TESTS)
  find_package(GTest REQUIRED)
endif()

# paquebot_library(NAME [DEPS folder...] [LIBS target...] [ALONE file...] [READS file_test.cc...])
#
# Declares the library of src/NAME from every .cc but main.cc beside its CMakeLists.txt and one folder below, and its test
# program NAME_test from every _test.cc. DEPS are folders of the house, LIBS are anything else. With PAQUEBOT_UNITY the folder is
# one unit but for the files named in ALONE, and the tests are units of eight files: names of anonymous namespaces are
# then unique in their folder. READS are the tests that read files of the tree: they alone know PAQUEBOT_SOURCE_DIR, so that
# a compiler cache serves all others in every clone. In a release build the tests' own code is not optimised, what they test is:
# that takes two fifths off their compilation, which is more than half of all.
set(PAQUEBOT_TEST_OPTIONS $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-U_FORTIFY_SOURCE>)
function(paquebot_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;ALONE;READS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc *.h */*.cc */*.h)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc */*_test.cc)
  list(REMOVE_ITEM sources ${tests})
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$") # a program's, declared by its folder
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME paquebot_${name}
                                           UNITY_BUILD ${PAQUEBOT_UNITY} UNITY_BUILD_BATCH_SIZE ${PAQUEBOT_UNITY_FILES})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} ${ARG_LIBS} Threads::Threads)
  if(PAQUEBOT_TESTS AND tests)
    add_executable(${name}_test ${tests})
    set_target_properties(${name}_test PROPERTIES UNITY_BUILD ${PAQUEBOT_UNITY} UNITY_BUILD_BATCH_SIZE 8)
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest_main)
    target_compile_options(${name}_test PRIVATE ${PAQUEBOT_TEST_OPTIONS})
    set_source_files_properties(${ARG_READS} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON
                                COMPILE_DEFINITIONS PAQUEBOT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${PAQUEBOT_TEST_SECONDS})
  endif()
endfunction()

# paquebot_folders_of(FILE VARIABLE)
#
# The folders of the house that a source file outside src/ (a fuzzer, a benchmark) includes: what it links.
function(paquebot_folders_of file variable)
  set(folders)
  file(STRINGS ${file} lines REGEX "^#include \"[a-z0-9]+/")
  foreach(line ${lines})
    string(REGEX REPLACE "^#include \"([a-z0-9]+)/.*" "\\1" folder ${line})
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${variable} ${folders} PARENT_SCOPE)
endfunction()
