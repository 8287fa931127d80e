defmodule GossipCluster.Preload do
  @moduledoc false
  # What a node needs on its way to its first peer, loaded at once. A release has loaded all as it boots. Elsewhere
  # Erlang loads a module when it is first called, one after the other, and halts all schedulers for each; together, and
  # prepared on all processors, they take half of that.
  #
  # In two parts, since half of it is not needed before the sidecar has opened its sockets and derived its keys: so it is
  # loaded when that one has been told to, while it does. A cluster whose VM does not start the application has the first
  # part loaded as it is called.
  #
  # What is loaded costs by the instruction (guides/figures.md). A dot behind what the compiler does not know to be a map
  # (`state.roster`) makes fourteen of them, since it might be a call of a module; where the function's head says that it
  # is one (`%{} = state`), it makes four. So the heads of what is loaded here do, where there are several such dots.
  #
  # The modules stand here by their names alone: this one needs none of them.

  # Until the sidecar is opened.
  @first [:"Elixir.GossipCluster"] ++
           for(
             name <-
               ~w(Cluster Cluster.Announcement Cluster.Local Cluster.Roster Cluster.SidecarLife Cluster.State
                  CrashReport Dial.AtomBudget Disabled Handshake Hidden Ip Lines LocalNode Options Owner
                  Owner.Effects Owner.Tasks Owner.Timers Reporter Secret Shared Sidecar Sidecar.Codec
                  Sidecar.Process Subscribers Supervisor Tags View),
             do: :"Elixir.GossipCluster.#{name}"
           )

  # From there to the first connection.
  @rest for(
          name <-
            ~w(Cluster.Conflicts Cluster.Connections Cluster.DialBudget Cluster.DialQueue Cluster.Dialer
               Cluster.Health Cluster.Packed Cluster.PathWatch Cluster.Paths Cluster.Peers Cluster.QuietPeriod
               Cluster.Routes Dial.Attempt Dial.Path Disconnects Epmd Facts LineLimit Peer Screen.Timeline Siblings
               Text),
          do: :"Elixir.GossipCluster.#{name}"
        )

  # Elixir's own and Erlang's, which a VM that has just started has not loaded, either.
  @others [String.Chars, String.Chars.Integer, :dist_util]

  @doc "Loads what is needed until the sidecar is opened. What cannot be loaded now shows when it is called."
  @spec load_first() :: :ok
  def load_first, do: load(@first)

  @doc "Loads the rest."
  @spec load_rest() :: :ok
  def load_rest, do: load(@rest ++ @others)

  # Where all are loaded nothing is asked of Erlang: it would halt all schedulers, and make its tables of all code anew,
  # for no module, too.
  defp load(modules) do
    missing = for module <- modules, not :erlang.module_loaded(module), do: module
    _ = if missing != [], do: :code.ensure_modules_loaded(missing)
    :ok
  end
end
