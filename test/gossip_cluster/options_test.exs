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
             port: 45_893,
             interfaces: :all,
             ttl: 1,
             interval: 1_000,
             max_peers: 4_096,
             connect: {:net_kernel, :connect_node, []},
             disconnect: {:erlang, :disconnect_node, []},
             list_nodes: {:erlang, :nodes, [:connected]},
             accept: nil,
             log_heartbeats: false,
             on_down: :keep,
             quiet: 30_000,
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
          {:connect, {M, :f, [1]}, {M, :f, [1]}},
          {:disconnect, {M, :f, []}, {M, :f, []}},
          {:list_nodes, {M, :f, []}, {M, :f, []}},
          {:accept, accept, accept},
          {:accept, {M, :f, []}, {M, :f, []}},
          {:log_heartbeats, true, true}
        ],
        do: assert(Options.validate!([{key, given}])[key] == taken)
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
          {:port, 0, "is 0, but must be an integer from 1 to 65535"},
          {:port, 65_536, "is 65536, but must be an integer from 1 to 65535"},
          {:port, "45893", ~s(is "45893", but must be an integer from 1 to 65535)},
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
            {"hunter2hunter2", "is a binary of 14 bytes"},
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
            {fn -> throw("hunter2") end, "is a function that failed (throw)"},
            {{__MODULE__, :nothing_like_it, ["hunter2"]},
             "is a function that failed (UndefinedFunctionError)"}
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

  test "an unknown option is named, with what it may have meant" do
    assert_raise ArgumentError,
                 ~r/there is no option :prot \(did you mean :port\?\); there are :name, :enabled, :cluster/,
                 fn ->
                   Options.validate!(prot: 1)
                 end

    for later <- [:group6, :families, :broadcast, :seeds] do
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
               ["sidecar", "observer"]

    {:docs_v1, _, _, _, %{"en" => moduledoc}, _, _} = Code.fetch_docs(GossipCluster)
    assert moduledoc =~ Options.docs()
  end
end
