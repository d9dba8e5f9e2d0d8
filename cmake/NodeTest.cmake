# Bundles one test in TypeScript and runs it: cmake -D ESBUILD=… -D NODE=… -D SCRIPT=x_test.ts -D OUT=x_test.mjs -P NodeTest.cmake
execute_process(COMMAND ${ESBUILD} ${SCRIPT} --bundle --platform=node --format=esm --log-level=warning --outfile=${OUT} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "esbuild does not take ${SCRIPT}")
endif()
execute_process(COMMAND ${NODE} --test ${OUT} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${SCRIPT} fails")
endif()
