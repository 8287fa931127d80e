defmodule GossipCluster.Integration.ErlangTest do
  # The guides' Erlang, run by plain `erl` as it stands there: whether every function takes and gives plain terms.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @guide Path.expand("../../guides/functions.md", __DIR__)

  defp snippets do
    [_, section] = String.split(File.read!(@guide), "\n## From Erlang\n")
    [section | _] = String.split(section, ~r/\n##+ /)
    for [_, code] <- Regex.scan(~r/```erlang\n(.*?)\.\n```/s, section), do: code
  end

  test "the snippets of the guide" do
    assert [first, second] = snippets()
    assert length(Regex.scan(~r/'Elixir.GossipCluster':/, first <> second)) >= 9

    lab = Lab.start(hosts: 2)
    b = Node.start(lab, "b", host: 2, cluster: [cluster: "shop"])

    code = """
    First = begin #{first} end,
    Second = begin #{second} end,
    {id, shop} = {id, maps:get(id, 'Elixir.GossipCluster':child_spec([{name, shop}]))},
    io:format("DONE ~p~n", [{First, Second}]),
    halt().
    """

    paths = for app <- [:elixir, :logger, :gossip_cluster], do: Application.app_dir(app, "ebin")

    # It leaves at its end.
    Lab.heard(20_000)

    {output, status} =
      System.cmd(
        "ip",
        ["netns", "exec", lab.hosts[1].netns, "unshare", "--uts", "sh", "-c"] ++
          [~s(hostname h1; mount --bind "$0" /etc/hosts; exec erl "$@")] ++
          [Lab.hosts_file(lab, :gossip), "-noshell", "-sname", "a"] ++
          ["-setcookie", "a_cookie_of_the_lab", "-pa" | paths] ++
          ["-epmd_module", "Elixir.GossipCluster.Epmd", "-start_epmd", "false", "-eval", code],
        env: [{"HOME", lab.dir}, {"ERL_CRASH_DUMP_SECONDS", "0"}],
        stderr_to_stdout: true
      )

    assert status == 0, output
    assert output =~ ~s(DONE {<<"b@h2">>,ok})
    # It left, as its last line says.
    eventually("b is told", [b], fn -> List.last(Node.about(b, "a@h1")) == {:down, :left} end)
  end
end
