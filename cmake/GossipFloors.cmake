# Tests of the house itself: the core has floors, and doors. The checks are seen to fail, too.
set(floors_script "${CMAKE_CURRENT_LIST_DIR}/CheckFloors.cmake")
set(core_dir "${CMAKE_CURRENT_SOURCE_DIR}/priv_src/core")
set(circles_dir "${CMAKE_CURRENT_SOURCE_DIR}/test/c/circles")

# floors_test(NAME ARGUMENT...): a check that must pass. floors_fault(NAME WHY ARGUMENT...): one that must find WHY.
function(floors_test name)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} ${ARGN} -P "${floors_script}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()

function(floors_fault name why)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} "-DCOMMAND=${CMAKE_COMMAND};${ARGN};-P;${floors_script}" "-DWHY=${why}"
    -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/MustFail.cmake")
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()

foreach(planted calls upwards)
  file(GLOB planted_sources CONFIGURE_DEPENDS test/c/circles/${planted}/*.c)
  add_library(gossip_planted_${planted} STATIC ${planted_sources})
  target_link_libraries(gossip_planted_${planted} PRIVATE gossip_flags)
endforeach()

floors_test(core_includes "-DSOURCES=${core_dir}" "-DFLOORS=${core_dir}/floors.txt")
floors_test(core_calls "-DARCHIVE=$<TARGET_FILE:gossip_core>" "-DNM=${CMAKE_NM}" "-DFLOORS=${core_dir}/floors.txt")
if(TARGET gossip_io)
  floors_test(io_calls "-DARCHIVE=$<TARGET_FILE:gossip_io>" "-DNM=${CMAKE_NM}")
  floors_test(gossipd_calls "-DARCHIVE=$<TARGET_FILE:gossipd_parts>" "-DNM=${CMAKE_NM}")
endif()
floors_fault(core_includes_sees_a_circle "in a circle: left right left needs right right needs left"
  "-DSOURCES=${circles_dir}/includes")
floors_fault(core_includes_sees_a_step_up "ground [(]floor 1[)] needs roof [(]floor 2[)]: that is not down"
  "-DSOURCES=${circles_dir}/upwards" "-DFLOORS=${circles_dir}/upwards/floors.txt")
floors_fault(core_calls_sees_a_circle "in a circle: left right left needs right right needs left"
  "-DARCHIVE=$<TARGET_FILE:gossip_planted_calls>" "-DNM=${CMAKE_NM}")
floors_fault(core_calls_sees_a_step_up "ground [(]floor 1[)] needs roof [(]floor 2[)]: that is not down"
  "-DARCHIVE=$<TARGET_FILE:gossip_planted_upwards>" "-DNM=${CMAKE_NM}" "-DFLOORS=${circles_dir}/upwards/floors.txt")
floors_fault(core_includes_sees_a_file_without_floor "above is on no floor"
  "-DSOURCES=${circles_dir}/includes" "-DFLOORS=${circles_dir}/upwards/floors.txt")

# What io and the program get to see of the core; and, as a check of the check, an open door.
set(doors_script "${CMAKE_CURRENT_LIST_DIR}/CheckDoors.cmake")
set(doors_seen "$<TARGET_PROPERTY:gossip_core,INTERFACE_INCLUDE_DIRECTORIES>")
if(TARGET gossip_io)
  set(doors_seen "${doors_seen};$<TARGET_PROPERTY:gossip_io,INTERFACE_INCLUDE_DIRECTORIES>")
endif()
set(doors_rooms)
foreach(room io/*.[ch] gossipd/*.[ch] doctor/*.[ch] watch/*.[ch] main.c)
  list(APPEND doors_rooms "${CMAKE_CURRENT_SOURCE_DIR}/priv_src/${room}")
endforeach()
add_test(NAME core_doors COMMAND ${CMAKE_COMMAND} "-DCC=${CMAKE_C_COMPILER}" "-DCORE=${core_dir}" "-DSEEN=${doors_seen}"
  "-DROOMS=${doors_rooms}" "-DPRIMITIVES=${core_dir}/kit/primitives.c" "-DWORK=${CMAKE_CURRENT_BINARY_DIR}/doors"
  -P "${doors_script}")
add_test(NAME core_doors_see_an_open_one COMMAND ${CMAKE_COMMAND}
  "-DCOMMAND=${CMAKE_COMMAND};-DCC=${CMAKE_C_COMPILER};-DCORE=${core_dir};-DSEEN=${core_dir};-DROOMS=;-DWORK=${CMAKE_CURRENT_BINARY_DIR}/doors_open;-P;${doors_script}"
  "-DWHY=state/roster.h is the core.s own and can be included"
  -P "${CMAKE_CURRENT_LIST_DIR}/MustFail.cmake")
add_test(NAME core_doors_see_who_goes_past_the_primitives COMMAND ${CMAKE_COMMAND}
  "-DCOMMAND=${CMAKE_COMMAND};-DCC=${CMAKE_C_COMPILER};-DCORE=${core_dir};-DSEEN=${core_dir}/include;-DROOMS=;-DPRIMITIVES=another.c;-DWORK=${CMAKE_CURRENT_BINARY_DIR}/doors_past;-P;${doors_script}"
  "-DWHY=kit/primitives.c includes libsodium, and is not its door"
  -P "${CMAKE_CURRENT_LIST_DIR}/MustFail.cmake")
set_tests_properties(core_doors core_doors_see_an_open_one core_doors_see_who_goes_past_the_primitives PROPERTIES TIMEOUT 600 LABELS unit)
