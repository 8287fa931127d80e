# The simulator: clusters of the very core of gossipd in virtual time. It links core only, never io.
#   test/c/sim/*.c          gossip_sim; all but main.c is a library, for its tests
#   test/c/sim_*_test.c     unit tests of the simulator itself (GossipTests has made their executables)
# And a few short runs with bounds; the grid is bin/sim-report's.
add_library(gossip_sim_parts STATIC ${sim_sources})
get_target_property(sim_parts gossip_sim_parts SOURCES)
list(FILTER sim_parts EXCLUDE REGEX "/main\\.c$")
set_property(TARGET gossip_sim_parts PROPERTY SOURCES ${sim_parts})
target_include_directories(gossip_sim_parts PUBLIC test/c/sim PRIVATE test/c/support)
target_sources(gossip_sim_parts PRIVATE test/c/support/inside.c)
target_link_libraries(gossip_sim_parts PUBLIC gossip_core m PRIVATE gossip_core_inside gossip_flags)

add_executable(gossip_sim test/c/sim/main.c)
target_link_libraries(gossip_sim PRIVATE gossip_sim_parts gossip_flags)

file(GLOB sim_test_sources CONFIGURE_DEPENDS test/c/sim_*_test.c)
foreach(source ${sim_test_sources})
  get_filename_component(name "${source}" NAME_WE)
  target_link_libraries(${name} PRIVATE gossip_sim_parts)
endforeach()

# The same seed gives the same output, byte for byte, sealed or not.
add_test(NAME sim_determinism COMMAND ${CMAKE_COMMAND} -DSIM=$<TARGET_FILE:gossip_sim>
  -P ${CMAKE_CURRENT_LIST_DIR}/SimDeterminism.cmake)
set_tests_properties(sim_determinism PROPERTIES TIMEOUT 900 LABELS sim)

# Short runs with bounds; the exit status tells.
function(sim_run name)
  add_test(NAME sim_${name} COMMAND gossip_sim ${ARGN}
    --at-most false_deaths=0 --at-most false_goodbyes=0 --at-most strangers=0 --at-most wrong_events=0
    --at-most late_deadlines=0 --at-most lost_effects=0)
  set_tests_properties(sim_${name} PROPERTIES TIMEOUT 900 LABELS sim)
endfunction()

sim_run(join --nodes 40 --at-most incomplete=0 --at-most complete_us_max=300000)
sim_run(join_lossy --nodes 2 --newcomers 1 --loss 30 --runs 50 --no-seal --at-most both_us_p99=250000)
sim_run(crash --scenario crash --nodes 40 --no-seal --runs 3 --at-most never_gone=0 --at-most gone_us_max=2200000)
sim_run(lossy --scenario steady --nodes 30 --seconds 300 --loss 10 --no-seal --at-most unsettled=0
  --at-most losses_unknown=0 --at-most loss_off_thousandths=5 --at-most round_trip_off_us=0)
sim_run(pause --scenario pause --nodes 40 --pause-ms 512 --no-seal)
sim_run(flap --scenario flap --nodes 30 --seconds 80 --no-seal)
sim_run(mute --scenario mute --nodes 30 --seconds 30 --no-seal
  --at-most links_untold=0 --at-most links_false=0 --at-most links_unhealed=0)
sim_run(deaf --scenario mute --variant in --nodes 30 --seconds 30 --loss 10 --no-seal
  --at-most links_untold=0 --at-most links_false=0 --at-most links_unhealed=0)
foreach(variant one all)
  sim_run(links_${variant} --scenario links --variant ${variant} --nodes 20 --runs 3 --no-seal --at-most never_over=0
    --at-most over_us_max=3000000 --at-most used_after=0 --at-most incomplete_after=0 --at-most down_silent=0
    --at-most misled_addresses=0 --at-most misaddressed=0)
endforeach()
foreach(variant near far)
  sim_run(replay_${variant} --scenario replay --variant ${variant} --nodes 5 --no-seal
    --at-most replay_events=0 --at-most replay_events_later=0 --at-most replay_listed_grown=0
    --at-most replay_believed=0 --at-most replay_unlured=0 --at-most replay_lured_percent=300
    --at-most replay_pending_left=0 --at-most kinds_unrecorded=0)
endforeach()

# Without multicast.
sim_run(no_multicast --scenario no-multicast --nodes 40 --newcomers 2 --victims 3 --no-seal --at-most incomplete=0
  --at-most complete_us_max=500000 --at-most known_to_all_after_us_max=200000 --at-most never_gone=0
  --at-most gone_us_max=2600000 --at-most never_back=0 --at-most incomplete_at_end=0
  --at-most stalls_missed=0 --at-most stalled_us_max=4500000 --at-most resumes_missed=0 --at-most resumed_us_max=2500000
  --at-most member_bytes_per_second_max=1200)
sim_run(far_crowd --scenario no-multicast --nodes 500 --full 40 --loss 5 --no-seal --at-most incomplete=0
  --at-most updates=0 --at-most down_silent=0 --at-most incomplete_at_end=0 --at-most malformed=0
  --at-most member_bytes_per_second_max=1200)

sim_run(parted --scenario parted --nodes 40 --loss 10 --runs 2 --no-seal --at-most incomplete=0 --at-most never_gone=0
  --at-most never_whole=0 --at-most whole_us_max=3000000 --at-most downs_after=0 --at-most incomplete_at_end=0)
sim_run(parted_without_a_seed --scenario parted --variant lost --nodes 40 --seconds 90 --no-seal --at-most never_gone=0
  --at-most never_whole=0 --at-most downs_after=0 --at-most incomplete_at_end=0)
sim_run(islands --scenario islands --variant one --nodes 30 --victims 2 --no-seal --at-most unsettled=0
  --at-most never_whole=0 --at-most whole_us_max=2000000 --at-most downs_after=0 --at-most never_gone=0
  --at-most gone_us_max=2600000 --at-most incomplete_at_end=0)
sim_run(seed_dies --scenario seed-dies --nodes 30 --no-seal --at-most never_gone=0 --at-most gone_us_max=2600000
  --at-most never_back=0 --at-most back_us_max=31000000 --at-most downs_after=0)
sim_run(goes_deaf --scenario deaf --nodes 30 --no-seal --at-most unsettled=0 --at-most never_whole=0
  --at-most whole_us_max=2000000 --at-most downs_after=0 --at-most never_gone=0 --at-most gone_us_max=3200000)
sim_run(born_deaf --scenario deaf --variant born --nodes 30 --no-seal --at-most unsettled=0 --at-most incomplete=0
  --at-most never_whole=0 --at-most whole_us_max=2000000 --at-most knows_all_after_us_max=2000000
  --at-most downs_after=0 --at-most never_gone=0 --at-most gone_us_max=3200000)

# Attacks.
sim_run(amplify --scenario amplify --nodes 12 --seconds 5 --no-seal --at-most one_percent_max=300 --at-most many_percent_max=300
  --at-most one_own_percent_p50=110 --at-most many_own_percent_p50=110 --at-most one_never_gone=0
  --at-most many_never_gone=0 --at-most one_gone_us_max=2200000 --at-most many_gone_us_max=2200000)
sim_run(harvest --scenario harvest --nodes 20 --no-seal --at-most never_gone=0 --at-most gone_us_max=4200000)
sim_run(held --scenario harvest --variant held --nodes 20 --no-seal --at-most never_gone=0
  --at-most gone_us_max=10200000)
sim_run(relay --scenario relay --nodes 12 --no-seal --at-most relay_believed=0 --at-most incomplete=0
  --at-most down_silent=0)
sim_run(insider --scenario insider --nodes 20 --no-seal --at-most insider_incomplete=0 --at-most insider_unknown=0
  --at-most insider_downs=0 --at-most never_gone=0)

# What the simulator holds against the truth it does find: a core without the check of what is late.
if(GOSSIP_LINKER_WRAPS)
  add_executable(gossip_sim_late test/c/sim/main.c test/c/faults/late.c)
  target_link_libraries(gossip_sim_late PRIVATE gossip_sim_parts gossip_core_inside gossip_flags)
  target_link_options(gossip_sim_late PRIVATE -Wl,--wrap=freshness_check)
  set(held "$<TARGET_FILE:gossip_sim_late>;--scenario;harvest;--variant;held;--nodes;20;--no-seal")
  add_test(NAME sim_sees_what_is_late COMMAND ${CMAKE_COMMAND} "-DCOMMAND=${held}"
    "-DWHY=late_lives=[1-9][0-9]*, and must be 0" -P ${CMAKE_CURRENT_LIST_DIR}/MustFail.cmake)
  set_tests_properties(sim_sees_what_is_late PROPERTIES TIMEOUT 900 LABELS sim)
endif()

# Regressions, by their cause.
sim_run(an_accuser_gone_deaf_buries_nobody --scenario steady --nodes 40 --seconds 300 --loss 10 --burst 200
  --burst-at receiver --no-seal --at-most down_silent=0)
sim_run(strangers_are_forgotten --scenario replay --nodes 5 --no-seal --at-most replay_pending_left=0)
sim_run(watchers_beyond_a_cut_are_replaced --scenario partition --nodes 50 --no-seal --at-most gone_us_max=3000000
  --at-most never_gone=0 --at-most never_whole=0)
sim_run(the_dead_are_found_without_unicast --scenario no-unicast --nodes 20 --no-seal --at-most never_gone=0
  --at-most incomplete=0)
