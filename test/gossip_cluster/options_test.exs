defmodule GossipCluster.OptionsTest do
  use ExUnit.Case, async: true
  doctest GossipCluster.Options

  alias GossipCluster.{Hidden, Options}

  @key String.duplicate("k", 32)

  test "the defaults" do
    options = Options.validate!([])

    assert Map.delete(options, :secret) == %{
             name: GossipCluster,
             enabled: true,
             cluster: "",
             group: "233.252.1.33",
             ipv6: true,
             group6: "ff12::6763",
             port: 45_893,
             unicast_port: nil,
             broadcast: false,
             seeds: [],
             interfaces: :all,
             ttl: 1,
             advertise: nil,
             interval: 1_000,
             max_peers: 4096,
             tags: %{},
             connect: {:net_kernel, :connect_node, []},
             disconnect: {:erlang, :disconnect_node, []},
             list_nodes: {:erlang, :nodes, [:connected]},
             accept: nil,
             log: :debug,
             log_heartbeats: false,
             compat: nil,
             on_down: :keep,
             quiet: 30_000,
             sandbox: true,
             sidecar: nil,
             observer: nil
           }

    assert Hidden.unwrap(options.secret) == [:cookie]
  end

  def accept(_peer), do: true

  test "what is allowed, and how it is taken" do
    accept = &__MODULE__.accept/1

    for {key, given, taken} <- [
          {:name, :shop, :shop},
          {:cluster, "blue", "blue"},
          {:cluster, ~c"blue", "blue"},
          {:cluster, String.duplicate("x", 255), String.duplicate("x", 255)},
          {:group, "239.0.0.1", "239.0.0.1"},
          {:group, ~c"224.0.0.251", "224.0.0.251"},
          {:group, {239, 255, 255, 255}, "239.255.255.255"},
          {:ipv6, false, false},
          {:group6, "ff12::6763", "ff12::6763"},
          {:group6, ~c"FF02:0:0::99", "ff02::99"},
          {:group6, {0xFF32, 0, 0, 0, 0, 0, 0, 1}, "ff32::1"},
          {:interfaces, ["FD00:0::1", {0xFD00, 0, 0, 0, 0, 0, 0, 2}],
           {:only, ["fd00::1", "fd00::2"]}},
          {:port, 1, 1},
          {:port, 65_535, 65_535},
          {:interfaces, ["eth0"], {:only, ["eth0"]}},
          {:interfaces, [~c"eth0", {192, 0, 2, 1}], {:only, ["eth0", "192.0.2.1"]}},
          {:interfaces, {:except, ["docker0"]}, {:except, ["docker0"]}},
          {:ttl, 0, 0},
          {:ttl, 255, 255},
          {:interval, 100, 100},
          {:interval, 60_000, 60_000},
          {:max_peers, 1, 1},
          {:max_peers, 65_535, 65_535},
          {:connect, {Enum, :at, [[]]}, {Enum, :at, [[]]}},
          {:disconnect, {Node, :disconnect, []}, {Node, :disconnect, []}},
          {:list_nodes, {Node, :list, [:known]}, {Node, :list, [:known]}},
          {:accept, accept, accept},
          {:accept, {__MODULE__, :accept, []}, {__MODULE__, :accept, []}},
          {:advertise, nil, nil},
          {:advertise, "192.0.2.7", "192.0.2.7"},
          {:advertise, {192, 0, 2, 7}, "192.0.2.7"},
          {:advertise, "192.0.2.7:4711", "192.0.2.7:4711"},
          {:unicast_port, 0, {0, 0}},
          {:unicast_port, 1, {1, 1}},
          {:unicast_port, 65_535, {65_535, 65_535}},
          {:unicast_port, 45_894..45_901, {45_894, 45_901}},
          {:unicast_port, {7, 8}, {7, 8}},
          {:broadcast, true, true},
          {:log, false, false},
          {:log, :warning, :warning},
          {:log_heartbeats, true, true}
        ],
        do: assert(Options.validate!([{key, given}])[key] == taken)
  end

  test "the unicast port is beside the group's, as far as there are any" do
    for {options, range} <- [
          {[], {45_894, 45_901}},
          {[port: 1], {2, 9}},
          {[port: 65_534], {65_535, 65_535}},
          {[port: 65_535], {0, 0}},
          {[port: 65_535, unicast_port: 9], {9, 9}},
          {[unicast_port: 0], {0, 0}}
        ],
        do: assert(options |> Options.validate!() |> Options.unicast_port() == range)
  end

  test "what may not leave this machine is not broadcast" do
    assert_raise ArgumentError, ~r/:broadcast is true, but with ttl: 0 nothing may leave/, fn ->
      Options.validate!(broadcast: true, ttl: 0)
    end

    assert %{broadcast: true, ttl: 1} = Options.validate!(broadcast: true)
    assert %{broadcast: false, ttl: 0} = Options.validate!(ttl: 0)
  end

  test "what is not allowed, told with what was given and what is" do
    for {key, given, message} <- [
          {:name, "shop", ~s(is "shop", but must be an atom)},
          {:name, nil, "is nil, but must be an atom"},
          {:cluster, 7, "is 7, but must be a text of at most 255 bytes"},
          {:cluster, <<255>>, "is <<255>>, but must be a text of at most 255 bytes"},
          {:cluster, [0xD800], "is [55296], but must be a text of at most 255 bytes"},
          {:cluster, String.duplicate("x", 256), "but must be a text of at most 255 bytes"},
          {:group, "192.0.2.1",
           ~s(is "192.0.2.1", but must be an IPv4 multicast address, from "224.0.0.0")},
          {:group, "ff02::1", "but must be an IPv4 multicast address"},
          {:group, {239, 0, 0, 256}, "but must be an IPv4 multicast address"},
          {:ipv6, :auto, "but must be true or false"},
          {:group6, "ff15::6763", "but must be an IPv6 multicast address of link-local scope"},
          {:group6, "ff12::6763%eth0",
           "but must be an IPv6 multicast address of link-local scope"},
          {:group6, "fe80::1", "but must be an IPv6 multicast address of link-local scope"},
          {:group6, "233.252.1.33", "but must be an IPv6 multicast address of link-local scope"},
          {:group6, {0xFF12, 0, 0, 0, 0, 0, 0, 0x1_0000},
           "but must be an IPv6 multicast address"},
          {:port, 0, "is 0, but must be an integer from 1 to 65535"},
          {:port, 65_536, "is 65536, but must be an integer from 1 to 65535"},
          {:port, "45893", ~s(is "45893", but must be an integer from 1 to 65535)},
          {:unicast_port, -1,
           "is -1, but must be nil, a UDP port, a range of them (45894..45901, {45894, 45901}), or 0 for any"},
          {:unicast_port, 65_536, "is 65536, but must be nil, a UDP port"},
          {:unicast_port, 2..1//-1, "is 2..1//-1, but must be nil, a UDP port"},
          {:unicast_port, 1..9//2, "is 1..9//2, but must be nil, a UDP port"},
          {:unicast_port, 0..9, "is 0..9, but must be nil, a UDP port"},
          {:unicast_port, {9, 8}, "is {9, 8}, but must be nil, a UDP port"},
          {:unicast_port, "45894", ~s(is "45894", but must be nil, a UDP port)},
          {:broadcast, :only, "is :only, but must be true or false"},
          {:interfaces, [], "is [], but must be :all, a list of interface names"},
          {:interfaces, "eth0", ~s(is "eth0", but must be :all, a list)},
          {:interfaces, ~c"eth0", "but must be :all, a list"},
          {:interfaces, {:only, ["eth0"]}, "but must be :all, a list"},
          {:interfaces, {:except, []}, "but must be :all, a list"},
          {:interfaces, List.duplicate("eth0", 33), "(1 to 32), or {:except, such a list}"},
          {:interfaces, [String.duplicate("e", 46)], "but must be :all, a list"},
          {:on_down, :stop, "is :stop, but must be :keep or :disconnect"},
          {:quiet, -1, "is -1, but must be an integer from 0 to 86400000"},
          {:interfaces, [:eth0], "but must be :all, a list"},
          {:interfaces, ["eth0" | "eth1"], "but must be :all, a list"},
          {:ttl, -1, "is -1, but must be an integer from 0 to 255"},
          {:ttl, 256, "is 256, but must be an integer from 0 to 255"},
          {:interval, 99, "is 99, but must be an integer from 100 to 60000"},
          {:interval, 60_001, "is 60001, but must be an integer from 100 to 60000"},
          {:interval, 1.0e3, "is 1000.0, but must be an integer from 100 to 60000"},
          {:max_peers, 0, "is 0, but must be an integer from 1 to 65535"},
          {:connect, &__MODULE__.accept/1, "but must be {module, function, arguments}"},
          {:connect, nil, "is nil, but must be {module, function, arguments}"},
          {:disconnect, {M, :f}, "is {M, :f}, but must be {module, function, arguments}"},
          {:list_nodes, {M, :f, 1}, "is {M, :f, 1}, but must be {module, function, arguments}"},
          {:accept, true,
           "is true, but must be nil, a function of one argument, or {module, function, arguments}"},
          {:advertise, "233.252.1.33",
           "is \"233.252.1.33\", but must be nil or an IPv4 address, with a UDP port (\"192.0.2.7:4711\") or without"},
          {:advertise, "192.0.2.7:0",
           "is \"192.0.2.7:0\", but must be nil or an IPv4 address, with a UDP port (\"192.0.2.7:4711\") or without"},
          {:log, true,
           "is true, but must be :debug or :info or :notice or :warning or :error or false"},
          {:log_heartbeats, 1, "is 1, but must be true or false"},
          {:log_heartbeats, nil, "is nil, but must be true or false"}
        ] do
      error = assert_raise ArgumentError, fn -> Options.validate!([{key, given}]) end
      assert error.message =~ "GossipCluster: option #{inspect(key)} is "
      assert error.message =~ message
    end
  end

  describe "a secret" do
    test "may be of each kind, alone, in a ring, or behind a function" do
      for {given, ring} <- [
            {:cookie, [:cookie]},
            {{:passphrase, "12345678"}, [{:passphrase, "12345678"}]},
            {{:key, @key}, [{:key, @key}]},
            {[{:key, @key}, :cookie], [{:key, @key}, :cookie]},
            {fn -> {:key, @key} end, [{:key, @key}]},
            {{__MODULE__, :secret, [@key]}, [{:key, @key}]}
          ] do
        assert Hidden.unwrap(Options.validate!(secret: given).secret) == ring
        hidden = Options.validate!(Options.hide_secret(secret: given)).secret
        assert Hidden.unwrap(hidden) == ring
      end
    end

    def secret(key), do: {:key, key}

    test "that is none is told without being shown" do
      for {given, told} <- [
            {"hunter2hunter2",
             "is a binary of 14 bytes (write {:passphrase, text} or {:key, key})"},
            {~c"hunter2hunter2",
             "is a string of 14 characters (write {:passphrase, text} or {:key, key})"},
            {[{:key, @key}, {:key, @key}],
             "is a list of 2 [{:key, a binary of 32 bytes}, {:key, a binary of 32 bytes}], two of them the same"},
            {{:key, String.duplicate("hunter2", 6) <> "=="},
             "is {:key, a binary of 44 bytes} that is no Base64"},
            {{:key, String.duplicate("hunter2!", 8)},
             "is {:key, a binary of 64 bytes} that is no hexadecimal number"},
            {{:passphrase, "hunter2"}, "is {:passphrase, a binary of 7 bytes}"},
            {{:passphrase, [:hunter2]}, "is {:passphrase, something that is no binary}"},
            {{:passphrase, ~c"hunter2"}, "is {:passphrase, a binary of 7 bytes}"},
            {{:passphrase, String.duplicate("hunter2", 147)},
             "is {:passphrase, a binary of 1029 bytes}"},
            {{:key, "hunter2"}, "is {:key, a binary of 7 bytes}"},
            {{:keys, "hunter2"}, "is {:keys, a binary of 7 bytes}"},
            {[], "is a list of 0 []"},
            {[{:key, @key}, {:key, "hunter2"}],
             "is a list of 2 [{:key, a binary of 32 bytes}, {:key, a binary of 7 bytes}]"},
            {List.duplicate({:key, @key}, 5), "is a list of 5"},
            {[:cookie | :cookie], "is an improper list"},
            {:password, "is :password"},
            {%{key: "hunter2"}, "is something else"},
            {fn -> raise "hunter2" end, "is a function that failed (RuntimeError)"},
            {fn -> System.fetch_env!("GOSSIP_NO_SUCH_VARIABLE") end,
             "is a function that failed (the environment variable GOSSIP_NO_SUCH_VARIABLE is not set)"},
            {fn -> Application.fetch_env!(:shop, :cluster_key) end,
             "is a function that failed (there is no :cluster_key in the configuration of :shop)"},
            {fn -> File.read!("/no/such/hunter3") end,
             "is a function that failed (/no/such/hunter3: no such file or directory)"},
            {fn -> String.to_integer(Enum.join(["hunter", 2])) end,
             "is a function that failed (ArgumentError)"},
            {fn -> throw("hunter2") end, "is a function that failed (throw)"},
            {{__MODULE__, :nothing_like_it, ["hunter2"]},
             "is a function that failed (GossipCluster.OptionsTest.nothing_like_it/1 is undefined)"}
          ],
          hide <- [& &1, &Options.hide_secret/1] do
        error = assert_raise ArgumentError, fn -> Options.validate!(hide.(secret: given)) end
        assert error.message =~ "option :secret " <> told
        assert error.message =~ "but must be :cookie, {:passphrase, text} of 8 to 1024 bytes"
        refute error.message =~ "hunter2"
      end
    end

    test "stands in no child specification" do
      for secret <- [
            {:passphrase, "correct horse"},
            [{:passphrase, "correct horse"}, :cookie],
            "correct horse"
          ] do
        refute inspect(GossipCluster.child_spec(secret: secret), limit: :infinity) =~ "horse"
        # Erlang's own way of printing.
        refute to_string(:io_lib.format("~p", [GossipCluster.child_spec(secret: secret)])) =~
                 "horse"
      end
    end
  end

  describe "a key" do
    setup do
      path = Path.join(System.tmp_dir!(), "gossip-key-#{System.unique_integer([:positive])}")
      System.delete_env("GOSSIP_TEST_KEY")

      on_exit(fn ->
        System.delete_env("GOSSIP_TEST_KEY")
        File.rm(path)
      end)

      {:ok, path: path}
    end

    defp ring(secret), do: Hidden.unwrap(Options.validate!(secret: secret).secret)

    test "is 32 bytes, or their Base64 or hexadecimal text, as mix gossip.gen.key writes it" do
      for key <- [@key, <<255::256>>, :crypto.strong_rand_bytes(32)],
          text <- [
            key,
            Base.encode64(key),
            Base.encode64(key, padding: false),
            Base.url_encode64(key),
            Base.encode16(key),
            Base.encode16(key, case: :lower),
            Base.encode64(key) <> "\n",
            to_charlist(Base.encode64(key))
          ] do
        assert ring({:key, text}) == [{:key, key}]
      end
    end

    test "comes from a file or from the environment", %{path: path} do
      for text <- [@key, Base.encode64(@key) <> "\n", Base.encode16(@key) <> "\r\n"] do
        File.write!(path, text)

        for secret <- [{:file, path}, {:file, to_charlist(path)}, {:key, {:file, path}}],
            do: assert(ring(secret) == [{:key, @key}])
      end

      System.put_env("GOSSIP_TEST_KEY", Base.encode64(@key))

      for secret <- [
            {:env, "GOSSIP_TEST_KEY"},
            {:env, ~c"GOSSIP_TEST_KEY"},
            {:key, {:env, "GOSSIP_TEST_KEY"}}
          ],
          do: assert(ring(secret) == [{:key, @key}])

      assert ring([{:env, "GOSSIP_TEST_KEY"}, :cookie]) == [{:key, @key}, :cookie]
      assert ring(fn -> {:env, "GOSSIP_TEST_KEY"} end) == [{:key, @key}]
      System.put_env("GOSSIP_TEST_KEY", "correct horse")
      assert ring({:passphrase, {:env, "GOSSIP_TEST_KEY"}}) == [{:passphrase, "correct horse"}]
      File.write!(path, "correct horse\n")
      assert ring({:passphrase, {:file, path}}) == [{:passphrase, "correct horse"}]
    end

    test "that is not there, or none, is told with its source and not shown", %{path: path} do
      System.put_env("GOSSIP_TEST_KEY", "hunter2")
      File.write!(path, "hunter2")

      for {secret, told} <- [
            {{:env, "GOSSIP_NO_SUCH_VARIABLE"},
             ~s(is {:env, "GOSSIP_NO_SUCH_VARIABLE"}, which is not set)},
            {[:cookie, {:env, "GOSSIP_NO_SUCH_VARIABLE"}],
             ~s({:env, "GOSSIP_NO_SUCH_VARIABLE"}, which is not set)},
            {{:env, "GOSSIP_TEST_KEY"},
             ~s(is {:env, "GOSSIP_TEST_KEY"}, which is {:key, a binary of 7 bytes})},
            {{:file, path}, ~s(is {:file, "#{path}"}, which is {:key, a binary of 7 bytes})},
            {{:passphrase, {:file, path}},
             ~s(is {:file, "#{path}"}, which is {:passphrase, a binary of 7 bytes})},
            {{:file, "/no/such/file"},
             ~s(is {:file, "/no/such/file"}, which cannot be read: no such file or directory)},
            {{:file, 7}, "is {:file, something that is no text}"},
            {{:env, ""}, ~s(is {:env, ""}, which is not set)}
          ] do
        error = assert_raise ArgumentError, fn -> Options.validate!(secret: secret) end
        assert error.message =~ "option :secret is "
        assert error.message =~ told
        assert error.message =~ "mix gossip.gen.key"
        refute error.message =~ "hunter2"
      end
    end
  end

  test "what is often written is told how to write it" do
    for {options, message} <- [
          {[interfaces: "eth0"],
           ~s|option :interfaces is "eth0", but must be :all, a list of interface names, patterns ("en*") or IP | <>
             ~s|addresses (1 to 32), or {:except, such a list}: write interfaces: ["eth0"]|},
          {[interfaces: ~c"eth0"], ~s(write interfaces: ["eth0"])},
          {[interfaces: {192, 0, 2, 1}], ~s(write interfaces: ["192.0.2.1"])},
          {[interfaces: {0xFD00, 0, 0, 0, 0, 0, 0, 1}], ~s(write interfaces: ["fd00::1"])},
          {[multicast_addr: "233.252.1.32"],
           "there is no option :multicast_addr: it is :group here (GossipCluster.Strategy takes libcluster's own names)"},
          {[if_addr: "0.0.0.0"], "there is no option :if_addr: it is :interfaces here"},
          {[multicast_if: "192.0.2.1"],
           "there is no option :multicast_if: it is :interfaces here"},
          {[multicast_ttl: 1], "there is no option :multicast_ttl: it is :ttl here"},
          {[broadcast_only: true],
           "there is no option :broadcast_only (did you mean :broadcast?); there are"},
          {[key: @key], "there is no option :key: write secret: {:key, key}"},
          {[passphrase: "correct horse"],
           "there is no option :passphrase: write secret: {:passphrase, text}"},
          {[cookie: :a], "there is no option :cookie: write secret: :cookie"},
          {[port: 4000, ttl: 1, port: 4001], "option :port is given twice"},
          {[connect: {NoSuchModule, :connect, []}],
           "option :connect is {NoSuchModule, :connect, []}, but there is no module NoSuchModule"},
          {[connect: {Node, :conect, []}],
           "option :connect is {Node, :conect, []}, but Node.conect/1 is not there: it is called with the node appended"},
          {[disconnect: {Node, :disconnect, [1]}], "but Node.disconnect/2 is not there"},
          {[list_nodes: {Node, :lists, []}],
           "option :list_nodes is {Node, :lists, []}, but Node.lists/0 is not there"},
          {[accept: {NoSuchModule, :accept, []}], "but there is no module NoSuchModule"},
          {[accept: {Node, :accept, []}],
           "but Node.accept/1 is not there: it is called with the peer appended"}
        ] do
      error = assert_raise ArgumentError, fn -> Options.validate!(options) end
      assert error.message =~ "GossipCluster: " <> message or error.message =~ message
    end
  end

  test "seeds are addresses, names, records, or a function that is there" do
    assert %{seeds: [{:address, {10, 0, 0, 5}, nil}, {:srv, "_gossip._udp.shop"}]} =
             Options.validate!(seeds: ["10.0.0.5", {:srv, "_gossip._udp.shop"}])

    assert %{seeds: [{:mfa, {String, :upcase, ["a"]}}]} =
             Options.validate!(seeds: [{String, :upcase, ["a"]}])

    assert_raise ArgumentError,
                 ~r/option :seeds is "10.0.0.5", but must be a list of up to 32/,
                 fn ->
                   Options.validate!(seeds: "10.0.0.5")
                 end

    assert_raise ArgumentError, ~r/option :seeds is .*, but String.nothing\/0 is not there/, fn ->
      Options.validate!(seeds: [{String, :nothing, []}])
    end
  end

  test "an unknown option is named, with what it may have meant" do
    assert_raise ArgumentError,
                 ~r/there is no option :prot \(did you mean :port\?\); there are :name, :enabled, :cluster/,
                 fn ->
                   Options.validate!(prot: 1)
                 end

    for later <- [:families] do
      error = assert_raise ArgumentError, fn -> Options.validate!([{later, true}]) end
      assert error.message =~ "there is no option #{inspect(later)}"
    end
  end

  test "what is no list of options is refused, and not shown" do
    for options <- [:none, %{port: 1}, [{"secret", "hunter2"}], [secret: 1] ++ :rest, [1]] do
      for check <- [&Options.validate!/1, &Options.hide_secret/1, &GossipCluster.child_spec/1] do
        error = assert_raise ArgumentError, fn -> check.(options) end

        assert error.message ==
                 "GossipCluster: the options must be a keyword list, as in {GossipCluster, name: Shop, secret: :cookie}"
      end
    end
  end

  test "an Erlang property list is one too" do
    assert Options.validate!([:log_heartbeats, {:name, :shop}]).log_heartbeats
  end

  test "every option is documented, but for what only tests use" do
    documented =
      Regex.scan(~r/^  \* `:(\w+)` - /m, Options.docs()) |> Enum.map(&List.last/1) |> Enum.sort()

    assert documented ==
             (Options.validate!([]) |> Map.keys() |> Enum.map(&to_string/1) |> Enum.sort()) --
               ["observer"]

    {:docs_v1, _, _, _, %{"en" => moduledoc}, _, _} = Code.fetch_docs(GossipCluster)
    assert moduledoc =~ Options.docs()
  end
end
