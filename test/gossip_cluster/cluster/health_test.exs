defmodule GossipCluster.Cluster.HealthTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Health

  doctest Health

  @well %{
    left: false,
    named: true,
    cookie: true,
    sidecar: :running,
    reason: nil,
    answers: true,
    announced: true,
    isolated: false,
    rival: nil,
    network: %{reach: :lan, missing: [], deaf: [], mute: []},
    interfaces: [{"eth0", 2, "192.0.2.1"}],
    named_interfaces: false,
    unicast_port: 45_894,
    unicast_wanted: {45_894, 45_901},
    seeds: []
  }

  @seed %{seed: "10.0.0.5", error: nil}

  # Whether a node in each of these states can be found by another, and what is said if not.
  @rows [
    {%{}, :ok, []},
    {%{named: false, sidecar: :waiting, announced: false}, :waiting, [:no_name]},
    {%{cookie: false, sidecar: :waiting, announced: false}, :waiting, [:no_cookie]},
    # Its distribution has stopped, and its sidecar listens on.
    {%{named: false, announced: false}, :waiting, [:no_name]},
    {%{left: true, announced: false}, :unannounced, [:left]},
    {%{announced: false}, :unannounced, [:unannounced]},
    {%{sidecar: :down, announced: false}, :no_sidecar, [:no_sidecar]},
    {%{sidecar: :starting}, :no_sidecar, [:no_sidecar]},
    {%{answers: false}, :no_sidecar, [:no_sidecar]},
    {%{isolated: true}, :isolated, [:isolated]},
    {%{rival: "192.0.2.7"}, :conflict, [:conflict]},
    {%{network: %{reach: :none, missing: [], deaf: [], mute: []}}, :no_network, [:no_network]},
    {%{network: %{reach: :loopback, missing: [], deaf: [], mute: []}}, :no_network,
     [:no_network]},
    {%{network: %{reach: :virtual, missing: [], deaf: [], mute: []}}, :no_network,
     [:virtual_network]},
    # Who names them wants just these.
    {%{network: %{reach: :loopback, missing: [], deaf: [], mute: []}, named_interfaces: true},
     :ok, []},
    {%{network: %{reach: :virtual, missing: [], deaf: [], mute: []}, named_interfaces: true}, :ok,
     []},
    {%{network: %{reach: :none, missing: [], deaf: [], mute: []}, named_interfaces: true},
     :no_network, [:no_network]},
    {%{network: %{reach: :none, missing: ["eth7"], deaf: [], mute: []}, named_interfaces: true},
     :no_network, [:no_network]},
    {%{
       network: %{reach: :loopback, missing: ["eth7"], deaf: [], mute: []},
       named_interfaces: true
     }, :no_network, [:no_network]},
    {%{
       network: %{reach: :virtual, missing: ["eth7"], deaf: [], mute: []},
       named_interfaces: true
     }, :no_network, [:no_network]},
    {%{network: %{reach: :lan, missing: ["eth7"], deaf: [], mute: []}, named_interfaces: true},
     :ok, [:interface]},
    # It is found by multicast all the same.
    {%{unicast_port: 45_901}, :ok, []},
    {%{unicast_port: 45_902}, :ok, [:unicast_port]},
    {%{unicast_port: 45_893}, :ok, [:unicast_port]},
    {%{unicast_port: 45_902, unicast_wanted: {0, 0}}, :ok, []},
    {%{seeds: [%{seed: "shop", addresses: [], error: nil}]}, :ok, []},
    {%{seeds: [%{seed: "shop", addresses: [], error: "nxdomain"}]}, :ok, [:seed]},
    # The system does not tell, or the sidecar has not yet.
    {%{unicast_port: 0}, :ok, []},
    {%{sidecar: :down, unicast_port: 45_902}, :no_sidecar, [:no_sidecar]},
    # Who names seeds does not count on multicast.
    {%{network: %{reach: :lan, missing: [], deaf: [{"eth0", 2}], mute: []}, seeds: [@seed]}, :ok,
     [:deaf]},
    # One problem for each interface and way.
    {%{network: %{reach: :lan, missing: [], deaf: [{"eth0", 0}, {"eth1", 2}], mute: []}},
     :degraded, [:deaf, :deaf]},
    {%{network: %{reach: :lan, missing: [], deaf: [], mute: [{"eth0", 2}]}}, :degraded, [:mute]},
    {%{isolated: true, network: %{reach: :lan, missing: [], deaf: [{"eth0", 1}], mute: []}},
     :isolated, [:isolated, :deaf]},
    # One problem for each cause, the weightiest first.
    {%{left: true, announced: false, isolated: true}, :unannounced, [:left, :isolated]},
    {%{isolated: true, network: %{reach: :none, missing: [], deaf: [], mute: []}}, :no_network,
     [:no_network, :isolated]}
  ]

  for {{changes, health, causes}, n} <- Enum.with_index(@rows) do
    test "#{n}: #{health}, since #{inspect(changes)}" do
      {health, problems} = Health.judge(Map.merge(@well, unquote(Macro.escape(changes))))
      assert health == unquote(health)
      assert Keyword.keys(problems) == unquote(causes)
      for {_cause, text} <- problems, do: assert(String.length(text) > 20)
    end
  end

  test "is never :ok where one of what it takes is missing" do
    for left <- [false, true],
        named <- [true, false],
        cookie <- [true, false],
        sidecar <- [:running, :starting, :down, :waiting],
        answers <- [true, false],
        announced <- [true, false],
        isolated <- [false, true],
        rival <- [nil, "192.0.2.7"],
        reach <- [:lan, :virtual, :loopback, :none],
        missing <- [[], ["eth7"]],
        deaf <- [[], [{"eth0", 3}]],
        mute <- [[], [{"eth0", 1}]] do
      view = %{
        @well
        | left: left,
          named: named,
          cookie: cookie,
          sidecar: sidecar,
          answers: answers,
          announced: announced,
          isolated: isolated,
          rival: rival,
          network: %{reach: reach, missing: missing, deaf: deaf, mute: mute}
      }

      well =
        not left and named and cookie and sidecar == :running and answers and announced and
          not isolated and rival == nil and reach == :lan and deaf == [] and mute == []

      {health, problems} = Health.judge(view)
      # One that waits has no name or no cookie, and is announced by nobody.
      unless sidecar == :waiting and named and cookie and announced,
        do: assert(health == :ok == well, inspect(view))

      assert health == :ok or problems != []
    end
  end

  test "words: what is missing is named, and a sidecar's own reason is passed on" do
    two = %{@well | network: %{reach: :none, missing: ["eth7", "eth8"], deaf: [], mute: []}}
    assert {:no_network, [no_network: text]} = Health.judge(two)
    assert text =~ "interfaces eth7, eth8 are not up"

    docker = %{
      @well
      | network: %{reach: :virtual, missing: [], deaf: [], mute: []},
        interfaces: [{"docker0", 3, "172.17.0.1"}]
    }

    assert {:no_network, [virtual_network: text]} = Health.judge(docker)
    assert text =~ "(docker0)"

    for {wanted, taken} <- [
          {{45_894, 45_901}, "UDP ports 45894 to 45901 are all taken"},
          {{7, 7}, "UDP port 7 is taken"}
        ] do
      view = %{@well | unicast_port: 40_000, unicast_wanted: wanted}
      assert {:ok, [unicast_port: text]} = Health.judge(view)
      assert text =~ taken
      assert text =~ "answer to port 40000,"
    end

    assert {:no_sidecar, [no_sidecar: "why"]} =
             Health.judge(%{@well | sidecar: :down, reason: "why"})
  end

  test "words: of an interface where multicast does not arrive, what is seen there is told" do
    for {deaf, said} <- [
          {{"eth0", 0}, "not even what this node sends itself"},
          {{"eth0", 1}, "though one of them answers by unicast there"},
          {{"eth0", 3}, "though 3 of them answer by unicast there"}
        ] do
      view = %{@well | network: %{@well.network | deaf: [deaf]}}
      assert {:degraded, [deaf: text]} = Health.judge(view)
      assert text =~ "arrives on interface eth0, "
      assert text =~ said
    end

    view = %{@well | network: %{@well.network | mute: [{"wlan0", 2}]}}
    assert {:degraded, [mute: text]} = Health.judge(view)
    assert text =~ "on interface wlan0 does not arrive at 2 of those who answer by unicast there"
  end

  test "what is switched off, or has not been looked at yet, is not healthy" do
    assert {:unannounced, [disabled: text]} = Health.disabled()
    assert text =~ "enabled: false"
    assert {:unannounced, [unannounced: _text]} = Health.unknown()
  end
end
