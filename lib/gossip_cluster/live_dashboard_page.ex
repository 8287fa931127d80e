# Only where the application has LiveDashboard, 0.8 or newer: this library does not need it.
if Code.ensure_loaded?(Phoenix.LiveDashboard.PageBuilder) do
  defmodule GossipCluster.LiveDashboardPage do
    @moduledoc """
    A page of Phoenix LiveDashboard (0.8 or newer): health, peers and the graph of a cluster, as the node sees it that is
    chosen at the top of the dashboard. There only where the application has `:phoenix_live_dashboard`.

        live_dashboard "/dashboard",
          additional_pages: [gossip_cluster: GossipCluster.LiveDashboardPage]

    A cluster of another name, or several:

        additional_pages: [shop: {GossipCluster.LiveDashboardPage, cluster: Shop}]

    It shows names and addresses, and no secret, and changes nothing. Each look asks the connected nodes what they see, as
    `GossipCluster.graph/1` does. The graph is an image with a `data:` address: a policy of content security of the
    application's own must let these be (`img-src data:`).
    """

    use Phoenix.LiveDashboard.PageBuilder

    alias GossipCluster.Screen.Dashboard

    @impl true
    def init(options) do
      {:ok, %{cluster: Keyword.get(options, :cluster, GossipCluster)}, module: GossipCluster}
    end

    # The node that is chosen may be one without this library.
    @impl true
    def menu_link(%{cluster: cluster}, %{modules: modules}) do
      text = if cluster == GossipCluster, do: "GossipCluster", else: "Gossip: #{inspect(cluster)}"
      if GossipCluster in modules, do: {:ok, text}, else: {:disabled, text}
    end

    @impl true
    def mount(_params, %{cluster: cluster}, socket) do
      {:ok, socket |> assign(cluster: cluster, look: nil, failure: nil) |> look()}
    end

    @impl true
    def handle_refresh(socket), do: {:noreply, look(socket)}

    # The page is rendered twice at first: as HTML, then live. Nodes are asked once.
    defp look(%{assigns: %{cluster: cluster, page: page}} = socket) do
      if connected?(socket) do
        case Dashboard.fetch(page.node, GossipCluster, cluster) do
          {:ok, look} -> assign(socket, look: look, failure: nil)
          {:error, failure} -> assign(socket, look: nil, failure: failure)
        end
      else
        socket
      end
    end

    @impl true
    def render(assigns) do
      ~H"""
      <p :if={@failure} id="gossip-failure"><%= @failure %></p>
      <div :if={@look} id="gossip-cluster">
        <p :for={problem <- @look.problems} class="gossip-problem"><%= problem %></p>
        <dl class="row">
          <div :for={{name, value} <- @look.fields} class="col-sm-4">
            <dt><%= name %></dt>
            <dd><%= value %></dd>
          </div>
        </dl>
        <.live_table
          id="gossip-peers"
          dom_id="gossip-peers"
          page={@page}
          title="Peers"
          rows_name="peers"
          row_fetcher={rows(@look)}
        >
          <:col field={:name} sortable={:asc} />
          <:col field={:address} sortable={:asc} />
          <:col field={:interface} header="Link" />
          <:col field={:path} />
          <:col field={:state} sortable={:asc} />
          <:col field={:heard} sortable={:desc} text_align="right" />
          <:col field={:round_trip} sortable={:desc} text_align="right" header="Round trip" />
          <:col field={:loss} sortable={:desc} text_align="right" />
          <:col field={:connection} sortable={:asc} />
          <:col field={:version} />
        </.live_table>
        <h5 class="card-title">Who hears whom</h5>
        <img src={image(@look.graph)} alt="The graph of the cluster" width="100%" />
      </div>
      """
    end

    # The table asks for its rows by itself, when it is sorted or searched: the look was taken before.
    defp rows(%{rows: rows}), do: fn params, _node -> Dashboard.table(rows, params) end

    # As an image nothing in it can run, whatever names came from the network.
    defp image(svg), do: "data:image/svg+xml;base64," <> Base.encode64(svg)
  end
end
