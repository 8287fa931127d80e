defmodule GossipCluster.SecrecyTest do
  # What may be printed of a running, a crashing and a failing cluster shows no secret.
  use GossipCluster.OwnerCase, async: false

  alias GossipCluster.Hidden

  @secret "correct horse battery staple"
  # What the sidecar made of it, which is as good.
  @derived "made of it: correct horse staple"

  # All reports, those of supervisors and of crashes too, as the terms that they are: before the other filters, for since
  # Elixir 1.15 one of them makes texts of the first, and drops the others.
  defp hear_reports do
    %{filters: filters} = :logger.get_primary_config()
    tap = {__MODULE__, {&__MODULE__.tell/2, self()}}
    :ok = :logger.set_primary_config(:filters, [tap | filters])
    on_exit(fn -> :ok = :logger.remove_primary_filter(__MODULE__) end)
  end

  def tell(event, test) do
    send(test, {:printed, print(event)})
    :ignore
  end

  defp print(term),
    do: [
      inspect(term, limit: :infinity, printable_limit: :infinity),
      to_string(:io_lib.format("~tp", [term]))
    ]

  def secret(secret), do: {:passphrase, secret}

  for {how, secret} <- [
        {"itself", {:passphrase, @secret}},
        {"in a ring", [{:passphrase, @secret}, :cookie]},
        {"as an Erlang string", {:passphrase, to_charlist(@secret)}},
        {"as an argument of a function", {__MODULE__, :secret, [@secret]}}
      ] do
    test "given #{how}: not in child specifications, states, reports and tables", %{fake: fake} do
      hear_reports()

      # Hidden before the test's own supervisor prints what it starts.
      child =
        GossipCluster.child_spec(
          name: @name,
          sidecar: fake.path,
          secret: unquote(Macro.escape(secret))
        )

      spec = %{
        id: :users,
        start: {Supervisor, :start_link, [[child], [strategy: :one_for_one, max_restarts: 100]]}
      }

      users = start_supervised!(spec)
      fake = FakeSidecar.attach(fake)
      assert %{keys: [{:passphrase, @secret} | _]} = FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, {:derived, [@derived]})
      owner = Process.whereis(@name)
      eventually(fn -> :sys.get_state(owner).cluster.announcement.derived != nil end)
      cluster = GossipCluster.Supervisor.whereis(@name)

      {:ok, child_spec} = :supervisor.get_childspec(users, @name)
      {:ok, owner_spec} = :supervisor.get_childspec(cluster, Owner)

      printed =
        Enum.flat_map(
          [
            child_spec,
            owner_spec,
            GossipCluster.status(@name),
            child
          ] ++
            for(pid <- [users, cluster], do: Supervisor.which_children(pid)) ++
            for(
              pid <- [users, cluster, owner],
              do: [:sys.get_state(pid), :sys.get_status(pid), Process.info(pid)]
            ) ++
            for(
              table <- :ets.all(),
              :ets.info(table, :owner) == cluster,
              do: :ets.tab2list(table)
            ),
          &print/1
        )

      capture_log(fn ->
        for pid <- [owner, cluster] do
          old = Process.whereis(@name)
          # It ends with a report of its state.
          :ok = :sys.terminate(pid, :crash, 5_000)
          eventually(fn -> Process.whereis(@name) not in [nil, old] end)
        end
      end)

      reports = reports([])
      assert Enum.count(reports, &(&1 =~ "supervisor")) >= 2
      assert Enum.any?(reports, &(&1 =~ ":crash"))
      assert length(printed) > 16

      for text <- printed ++ reports do
        refute text =~ "correct horse"
        # As a list of numbers.
        refute text =~ "99, 111, 114, 114, 101, 99, 116"
        refute text =~ "a_cookie_of_the_tests"
      end
    end
  end

  # What a defect might do to the owner, and what makes it show: whatever was at hand then, no secret is told.
  @faults [
    {"a state that does not match",
     quote do
       {&%{&1 | cluster: {:broken, &1.cluster}}, {:nodeup, :"zoe@127.0.0.1", []}}
     end, ~r/badkey, :|badmap, /},
    {"a ring that is no list, while it is read",
     quote do
       {&%{&1 | secret: Hidden.wrap(@secret)}, {:nodeup, node(), []}}
     end, ~r/a secret could not be used: Protocol.UndefinedError/},
    {"a ring with something else in it, while it is read",
     quote do
       {&%{&1 | secret: Hidden.wrap([{:passphrase, @secret, :more}])}, {:nodeup, node(), []}}
     end, ~r/a secret could not be used: FunctionClauseError/},
    {"a key that nobody knows how to send, while it is sent",
     quote do
       {&%{&1 | secret: Hidden.wrap([{:passphrase, {@secret}}])}, {:nodeup, node(), []}}
     end, ~r/a secret could not be used: ArgumentError/},
    {"an option that is missing, while a sidecar is configured",
     quote do
       {fn owner ->
          cluster = %{owner.cluster | sidecar: %{owner.cluster.sidecar | state: :down}}
          %{owner | cluster: cluster, options: Map.delete(owner.options, :ttl)}
        end, {:ring, :open}}
     end, ~r/a secret could not be used: KeyError/},
    {"a node that cannot be announced, while its cookie is sent",
     quote do
       {fn owner ->
          announcement = %{owner.cluster.announcement | announced: nil, host: {false, [:broken]}}
          put_in(owner.cluster.announcement, announcement)
        end, {:nodeup, node(), []}}
     end, ~r/a secret could not be used: \w+/}
  ]

  for {what, fault, told} <- @faults do
    test "a crash of the owner shows none: #{what}", %{fake: fake} do
      hear_reports()
      fake = start(fake, secret: [{:passphrase, @secret}, :cookie])
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake, :alive)
      settled(fake)
      owner = Process.whereis(@name)
      _ = reports([])
      {break, trigger} = unquote(fault)

      printed =
        capture_log(fn ->
          ref = Process.monitor(owner)
          # What waits in its mailbox is in the report of the crash, too.
          :sys.suspend(owner)
          :sys.replace_state(owner, break)
          FakeSidecar.say(fake, {:derived, [@derived]})
          statuses = print([:sys.get_status(owner), :sys.get_state(owner).cluster])
          trigger(trigger)

          callers =
            for _ <- 1..2 do
              Task.async(fn ->
                catch_exit(GossipCluster.rotate_secret(@name, {:passphrase, @secret}))
              end)
            end

          eventually(fn -> Process.info(owner, :message_queue_len) >= {:message_queue_len, 4} end)
          :sys.resume(owner)
          assert_receive {:DOWN, ^ref, :process, ^owner, reason}, 5_000
          # An exit of a caller goes wherever the user's code lets it.
          exits = Task.await_many(callers)
          send(self(), {:printed, statuses ++ print(reason) ++ print(exits)})
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
          # The supervisor's report, too.
          _ = Supervisor.which_children(GossipCluster.Supervisor.whereis(@name))
        end)

      reports = reports([])
      assert printed =~ "GenServer #{inspect(@name)} terminating"
      assert printed =~ unquote(Macro.escape(told))

      # The owner's own report, that of its process, that of its supervisor; each printed twice. By their whole labels,
      # for the stack of the first names crash_report.ex.
      for label <- [gen_server: :terminate, proc_lib: :crash, supervisor: :child_terminated],
          do: assert(Enum.any?(reports, &(&1 =~ inspect(label))), inspect(label))

      for text <- [printed | reports] do
        refute text =~ "correct horse"
        refute text =~ "99, 111, 114, 114, 101, 99, 116"
        refute text =~ "a_cookie_of_the_tests"
      end

      # And the next one has what it needs.
      assert %{keys: [{:passphrase, @secret} | _]} = configured(fake)
    end
  end

  # One sidecar may have been started in vain, and have ended before anybody read from it: of that one or of the next.
  defp configured(fake) do
    _next = FakeSidecar.attach(FakeSidecar.attach(fake))
    configuration()
  end

  defp configuration do
    assert_receive {port, {:data, data}} when is_port(port), 10_000

    case :erlang.binary_to_term(data) do
      {:configure, configuration} -> configuration
      _other -> configuration()
    end
  end

  defp trigger({:ring, timer}), do: ring(timer)
  defp trigger(message), do: send(@name, message)

  defp reports(texts) do
    receive do
      {:printed, more} -> reports(more ++ texts)
    after
      0 -> texts
    end
  end
end
