defmodule GossipCluster.LiveDashboardPageTest do
  # The page of LiveDashboard, as its contract has it: built against a double of Phoenix.LiveDashboard.PageBuilder, which
  # is there for these tests alone. Not async: what is compiled here is known to the whole VM.
  use ExUnit.Case, async: false

  alias GossipCluster.SamplePicture
  alias GossipCluster.Screen.Dashboard

  @page GossipCluster.LiveDashboardPage
  @compile {:no_warn_undefined, @page}
  @file_of_page "lib/gossip_cluster/live_dashboard_page.ex"
  @doubles [Phoenix.LiveView, Phoenix.Component, Phoenix.LiveDashboard.PageBuilder]

  setup_all do
    # Without LiveDashboard the library has no such module, and says nothing of it.
    refute Code.ensure_loaded?(@page)
    assert Code.compile_file(@file_of_page) == []

    Code.compile_file("test/support/live_dashboard_double.exs")

    on_exit(fn ->
      for module <- [@page | @doubles] do
        :code.purge(module)
        :code.delete(module)
        :code.purge(module)
      end
    end)

    # As mix compiles it, whatever tests are compiled with.
    docs = Code.get_compiler_option(:docs)
    on_exit(fn -> Code.put_compiler_option(:docs, docs) end)
    Code.put_compiler_option(:docs, true)

    warnings =
      ExUnit.CaptureIO.capture_io(:stderr, fn ->
        assert [{@page, code} | _] = Code.compile_file(@file_of_page)
        send(self(), {:code, code})
      end)

    # A callback that LiveDashboard does not know, or that lacks, is a warning.
    assert warnings == ""
    assert_received {:code, code}
    {:ok, code: code}
  end

  defp socket(changes \\ []) do
    page = struct!(Phoenix.LiveDashboard.PageBuilder, node: changes[:node] || node(), params: %{})
    %{live: Keyword.get(changes, :live, true), assigns: %{page: page}}
  end

  defp shown(%{assigns: assigns}), do: assigns |> @page.render() |> IO.iodata_to_binary()

  defp cluster(name) do
    start_supervised!({GossipCluster, name: name, interfaces: ["lo"], log: false})
    name
  end

  test "it is a page that refreshes itself, and is declared with the name of a cluster or without" do
    assert @page.__page_live__(:refresher?)
    assert {:ok, %{cluster: GossipCluster} = session, [module: GossipCluster]} = @page.init([])
    assert {:ok, %{cluster: Shop} = shop, [module: GossipCluster]} = @page.init(cluster: Shop)
    # As capabilities come from the node that is chosen.
    assert @page.menu_link(session, %{modules: [GossipCluster]}) == {:ok, "GossipCluster"}
    assert @page.menu_link(shop, %{modules: [GossipCluster]}) == {:ok, "Gossip: Shop"}
    assert @page.menu_link(shop, %{modules: []}) == {:disabled, "Gossip: Shop"}
  end

  test "it shows the cluster of the node, and again when it is refreshed" do
    name = cluster(:gossip_dashboard_test)
    {:ok, session, _} = @page.init(cluster: name)
    assert {:ok, socket} = @page.mount(%{}, session, socket())
    html = shown(socket)
    assert html =~ "<dt>node</dt>"
    assert html =~ "<dd>#{node()}</dd>"
    assert html =~ ~s(<table id="gossip-peers" data-total="0"></table>)
    [_, image] = Regex.run(~r/src="data:image\/svg\+xml;base64,([^"]+)"/, html)
    assert Base.decode64!(image) =~ ~r/^<svg /

    stop_supervised!(name)
    assert {:noreply, socket} = @page.handle_refresh(socket)
    assert shown(socket) =~ "no cluster #{inspect(name)} runs on this node"
    refute shown(socket) =~ "<table"
  end

  test "nobody is asked for the page that is not live yet, and a node that is not there is told" do
    {:ok, session, _} = @page.init(cluster: :gossip_dashboard_none)
    assert {:ok, socket} = @page.mount(%{}, session, socket(live: false))
    assert String.trim(shown(socket)) == ""

    assert {:ok, socket} = @page.mount(%{}, session, socket(node: :"nobody@nowhere.invalid"))
    assert shown(socket) =~ "nobody@nowhere.invalid could not be looked at"
  end

  describe "with peers of all kinds" do
    setup do
      picture = SamplePicture.picture()
      look = Dashboard.build(picture, SamplePicture.graph(picture))
      {:ok, look: look}
    end

    defp html(look, params \\ %{}) do
      %{assigns: assigns} = socket()
      assigns = %{assigns | page: %{assigns.page | params: params}}
      shown(%{assigns: Map.merge(assigns, %{look: look, failure: nil})})
    end

    defp names(html), do: Regex.scan(~r/<tr><td>([^<@]*)@/, html, capture: :all_but_first)

    test "each has a row, sorted and searched as the address says", %{look: look} do
      assert length(names(html(look))) == length(SamplePicture.peers())
      assert [_hostile, ["shop10"], ["shop6"] | _] = names(html(look))
      # The worst first; those of whom nothing is known are the last, either way.
      assert [["shop8"], ["shop7"] | _] = names(html(look, %{"sort_by" => "loss"}))
      ascending = names(html(look, %{"sort_by" => "loss", "sort_dir" => "asc"}))
      assert List.last(ascending) == ["shop10"]
      assert Enum.take(ascending, -3) |> Enum.at(1) == ["shop8"]
      assert [["shop7"] | _] = names(html(look, %{"sort_by" => "round_trip"}))
      found = html(look, %{"search" => "SUSPECT"})
      assert names(found) == [["shop8"]]
      assert found =~ ~s(data-total="1")
    end

    test "whatever came from the network is escaped, and nothing of the graph can run", %{
      look: look
    } do
      html = html(look)
      assert html =~ "what this node sends to the group on eth0 does not arrive"
      assert html =~ "&lt;script&gt;alert(1)"
      refute html =~ "<script"
      refute html =~ "<svg"
      refute html =~ "\e"
    end

    test "a table takes what it asks for, and is told how many there are" do
      rows = for n <- 1..60, do: %{name: "n#{n}", loss_key: rem(n, 7) / 10}
      params = %{search: nil, sort_by: :loss, sort_dir: :desc, limit: 50}
      assert {taken, 60} = Dashboard.table(rows, params)
      assert length(taken) == 50
      assert hd(taken).loss_key == 0.6
      assert {all, 60} = Dashboard.table(rows, %{params | limit: nil, sort_dir: :asc})
      assert hd(all).loss_key == 0.0 and length(all) == 60
      assert {[], 0} = Dashboard.table(rows, %{params | search: "none such"})
    end
  end

  test "its documentation says how it is declared, and so does the guide", %{code: code} do
    {:ok, {@page, [{~c"Docs", docs}]}} = :beam_lib.chunks(code, [~c"Docs"])
    {:docs_v1, _, _, _, %{"en" => text}, _, _} = :erlang.binary_to_term(docs)
    line = "additional_pages: [gossip_cluster: GossipCluster.LiveDashboardPage]"
    assert text =~ line
    assert File.read!("guides/observability.md") =~ line
  end
end
