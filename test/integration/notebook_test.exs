defmodule GossipCluster.Integration.NotebookTest do
  # The cells of guides/two-nodes.livemd, run in their order as Livebook does, but for what it installs.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @notebook Path.expand("guides/two-nodes.livemd")

  defp cells do
    for [_, code] <- Regex.scan(~r/^```elixir\n(.*?)^```$/ms, File.read!(@notebook)), do: code
  end

  test "the first cell installs this checkout, and what draws" do
    assert {{:., _, [{:__aliases__, _, [:Mix]}, :install]}, _, [dependencies]} =
             Code.string_to_quoted!(hd(cells()))

    assert {[gossip_cluster: [path: path], kino: _version], _binding} =
             Code.eval_quoted(dependencies, [], file: @notebook)

    assert path == File.cwd!()
  end

  test "the others start two nodes, which meet, and draw both" do
    [_install | cells] = cells()
    assert length(cells) == 4
    lab = Lab.start(hosts: 1)

    # Kino's, which puts the text into the page.
    script = """
    defmodule Kino.Mermaid do
      def new(text), do: {:drawn, text}
    end

    Enum.reduce(#{inspect(cells, limit: :infinity, printable_limit: :infinity)}, [], fn cell, binding ->
      {value, binding} = Code.eval_string(cell, binding, file: #{inspect(@notebook)})
      with {:drawn, text} <- value, do: IO.puts(["DRAWN\\n", text, "\\nEND"])
      with [[%{}], [%{}]] = peers <- value,
        do: IO.inspect(for([peer] <- peers, do: {peer.name, peer.connection}), label: "PEERS")
      binding
    end)
    """

    file = Path.join(lab.dir, "cells.exs")
    File.write!(file, script)

    {output, status} =
      System.cmd(
        "ip",
        ~w(netns exec #{Lab.netns(lab, 1)} elixir) ++
          ["-pa", Application.app_dir(:gossip_cluster, "ebin"), file],
        env: [{"HOME", lab.dir}],
        stderr_to_stdout: true
      )

    assert status == 0, output
    assert output =~ ~s(PEERS: [{"b@127.0.0.1", :connected}, {"a@127.0.0.1", :connected}])
    assert [_, drawn] = Regex.run(~r/DRAWN\n(.*)\nEND/s, output)
    assert drawn =~ ~r/\A(graph|flowchart) /
    for name <- ["a@127.0.0.1", "b@127.0.0.1"], do: assert(drawn =~ name)
  end
end
