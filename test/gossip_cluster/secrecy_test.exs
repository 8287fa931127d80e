defmodule GossipCluster.SecrecyTest do
  # What may be printed of a running, a crashing and a failing cluster shows no secret.
  use GossipCluster.OwnerCase, async: false

  @secret "correct horse battery staple"

  # A handler of OTP's logger gets all reports, those of supervisors and of crashes too, as terms.
  def log(event, %{config: %{test: test}}), do: send(test, {:printed, print(event)})

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
      :ok = :logger.add_handler(__MODULE__, __MODULE__, %{level: :all, config: %{test: self()}})
      on_exit(fn -> :logger.remove_handler(__MODULE__) end)

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
      owner = Process.whereis(@name)
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

  defp reports(texts) do
    receive do
      {:printed, more} -> reports(more ++ texts)
    after
      0 -> texts
    end
  end
end
