# Compares the console with the server's own table of actions: cmake -D PAQUEBOT=… -D TSC=… -D PYTHON=… -D MODULES=… -D SOURCE=… -D OUT=… -P ApiCheck.cmake
execute_process(COMMAND ${PAQUEBOT} api --types OUTPUT_FILE ${OUT}/paquebot_api.ts RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${PAQUEBOT} api --types fails")
endif()
file(WRITE ${OUT}/tsconfig.json "{
  \"extends\": \"${SOURCE}/web/tsconfig.json\",
  \"compilerOptions\": {\"paths\": {\"paquebot-api\": [\"${OUT}/paquebot_api.ts\"], \"*\": [\"*\", \"@types/*\"]}},
  \"files\": [\"${SOURCE}/web/api_check.ts\"],
  \"exclude\": []
}
")
execute_process(COMMAND ${TSC} -p ${OUT}/tsconfig.json --typeRoots ${MODULES}/@types RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "web/api.ts says otherwise than the server")
endif()
execute_process(COMMAND ${PYTHON} ${SOURCE}/tools/lint-web --actions ${OUT}/paquebot_api.ts RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "web/ asks for what the server does not have")
endif()
