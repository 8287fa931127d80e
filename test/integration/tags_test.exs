defmodule GossipCluster.Integration.TagsTest do
  # What a node says of itself, and whom others connect to for it.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @nobody {Peer, :tagged?, [[role: "nobody"]]}
  @db_of_my_zone {Peer, :tagged?, [[role: "db", zone: "a"]]}

  # They dial nobody, so who is connected is the web node's choice.
  defp quick(tags), do: [interval: 200, tags: tags, accept: @nobody]

  defp tags(node, other), do: with(%Peer{tags: tags} <- Node.peer(node, other), do: tags)

  defp told_of(node, other) do
    for {_at, {:event, GossipCluster, {kind, %Peer{name: name, tags: tags}}}} <-
          Node.events(node),
        name == other.name and kind in [:up, :update],
        uniq: true,
        do: {kind, tags}
  end

  test "a web node connects to the db nodes of its zone and leaves the others alone, also when that changes" do
    lab = Lab.start(hosts: 4)
    web = %{(quick(%{role: "web"}) |> Map.new()) | accept: @db_of_my_zone} |> Map.to_list()

    [web, near, far, plain] =
      nodes =
      Node.start_all(lab, [
        {"web", host: 1, cluster: web},
        {"near",
         host: 2, cluster: quick(role: "db", zone: "a", rack: String.duplicate("r", 150))},
        {"far", host: 3, cluster: quick([{"role", "db"}, {"zone", "b"}])},
        {"plain", host: 4, cluster: quick(%{})}
      ])

    await = fn min, timeout ->
      options = [tags: [role: "db"], min: min, timeout: timeout]
      Node.call(web, GossipCluster, :await, [GossipCluster, options])
    end

    assert await.(1, 15_000) == :ok

    eventually("all know all, with their tags", nodes, fn ->
      Enum.all?([near, far, plain], &(tags(&1, web) == %{"role" => "web"})) and
        tags(near, far) == %{"role" => "db", "zone" => "b"} and
        match?(%{"rack" => <<_::binary-150>>, "zone" => "a"}, tags(plain, near))
    end)

    eventually("the others are refused", nodes, fn ->
      Enum.all?([far, plain], &(Node.peer(web, &1).connection == {:skipped, :refused}))
    end)

    assert tags(web, plain) == %{}
    assert Node.connected(web) == [near.name]
    assert await.(2, 100) == {:error, :timeout}

    # One that is refused is asked for again when its tags change: and counts at once for who awaits it.
    waiting = Task.async(fn -> await.(2, 15_000) end)
    :ok = Node.call(far, GossipCluster, :put_tags, [%{role: "db", zone: "a"}])
    assert Task.await(waiting, 20_000) == :ok
    assert Node.connected(web) == Enum.sort([near.name, far.name])
    assert Node.status(far).tags == %{"role" => "db", "zone" => "a"}

    # A connection that is up stays.
    :ok = Node.call(near, GossipCluster, :put_tags, [[]])
    eventually("it has none any more", nodes, fn -> tags(web, near) == %{} end)
    assert Node.connected(web) == Enum.sort([near.name, far.name])

    eventually("told", nodes, fn ->
      match?([{:update, %{"role" => "db", "zone" => "a"}} | _], Enum.reverse(told_of(web, far))) and
        match?([{:update, none} | _] when none == %{}, Enum.reverse(told_of(web, near)))
    end)

    # A sidecar that is started again says them, too.
    pid = Node.status(far).sidecar.os_pid
    {_, 0} = System.cmd("kill", ["-9", "#{pid}"])

    eventually("another sidecar", nodes, fn ->
      Node.status(far).sidecar.os_pid not in [nil, pid] and
        Node.peer(web, far).boot == Node.status(far).sidecar.boot
    end)

    eventually("its tags", nodes, fn -> tags(web, far) == %{"role" => "db", "zone" => "a"} end)
  end
end
