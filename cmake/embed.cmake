# capq_embed(<target> <symbol> <file>...): compile text files into <target>.
#
# Makes a C file that defines `const struct embedded <symbol>[]`, one entry a file with its name and
# text and a {NULL, NULL} behind the last, and adds it to the target. The struct is declared in
# lib/embedded.h.
set(CAPQ_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_script.cmake)

function(capq_embed target symbol)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  string(REPLACE ";" "|" files "${ARGN}")
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DSYMBOL=${symbol} "-DFILES=${files}"
            -P ${CAPQ_EMBED_SCRIPT}
    DEPENDS ${ARGN} ${CAPQ_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
