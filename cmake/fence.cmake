# Folders are layers, and this is the fence between them.
#
#   capq_library(daemon/store SOURCES store.c ... USES lib LIBRARIES PkgConfig::SQLITE)
#
# makes one static library of a folder. Headers are included by their path from the project's root
# ("lib/err.h"), but the root itself is on nobody's include path: each library gets a directory that
# holds its own folder and those of the libraries that it USES, as links, and nothing else. A wrong
# #include does not compile.

function(capq_target_name folder out)
  string(REPLACE "/" "_" name "${folder}")
  set(${out} capq_${name} PARENT_SCOPE)
endfunction()

# The directory in which `folder` can be included, and only it.
function(capq_view folder out)
  set(view ${CMAKE_BINARY_DIR}/fence/${folder})
  get_filename_component(parent ${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${view}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${view}/${folder} SYMBOLIC)
  set(${out} ${view} PARENT_SCOPE)
endfunction()

function(capq_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  capq_target_name(${folder} target)
  capq_view(${folder} view)
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC ${view})
  foreach(used ${ARG_USES})
    capq_target_name(${used} used_target)
    target_link_libraries(${target} PUBLIC ${used_target})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_LIBRARIES})
endfunction()

# A program whose sources lie in `folder`, fenced like a library.
function(capq_program name folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  capq_view(${folder} view)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${view})
  foreach(used ${ARG_USES})
    capq_target_name(${used} used_target)
    target_link_libraries(${name} PRIVATE ${used_target})
  endforeach()
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
endfunction()
