# Runs a check of which it is known that it must fail, and looks whether it says why: no other failure will do.
#
#   cmake "-DCOMMAND=cmake;-DX=Y;-P;script" -DWHY=REGEX -P MustFail.cmake
execute_process(COMMAND ${COMMAND} OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE status)
string(REGEX REPLACE "[ \n]+" " " said "${said}")
if(status EQUAL 0)
  message(FATAL_ERROR "it should have failed, and said: ${said}")
elseif(NOT said MATCHES "${WHY}")
  message(FATAL_ERROR "it should have said \"${WHY}\", and said: ${said}")
endif()
