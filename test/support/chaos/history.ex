defmodule GossipCluster.Chaos.History do
  @moduledoc """
  What happened in a run of bin/chaos, and what was done: all that `GossipCluster.Chaos.Judge` sees. Times are
  microseconds of the machine's clock. `:rounds`: when all nodes were given another key ring.
  """

  alias GossipCluster.Chaos.{Gauge, Witness}

  defmodule Trouble do
    @moduledoc """
    A fault as it was: on the node of this name, or on all; from when to when. `:whole`: when all were connected again
    behind its round; `nil`: not yet.
    """
    @enforce_keys [:fault, :node, :from]
    defstruct [:fault, :node, :from, :until, :whole]

    @type t :: %__MODULE__{
            fault: atom(),
            node: String.t() | :all,
            from: integer(),
            until: integer() | nil,
            whole: integer() | nil
          }
  end

  defmodule Life do
    @moduledoc "A node from its start to its end: what its witness wrote."
    @enforce_keys [:node, :from]
    defstruct [:node, :from, entries: []]
    @type t :: %__MODULE__{node: String.t(), from: integer(), entries: [Witness.entry()]}
  end

  defmodule Whole do
    @moduledoc """
    A round that is over: when its last fault had healed, when all listed each other, when all were connected and
    answered (`nil`: never), within how many milliseconds each had to be, and what the last look that was not content
    found to be missing.
    """
    @enforce_keys [:round, :healed, :list_bound, :connect_bound]
    defstruct [:round, :healed, :listed, :connected, :list_bound, :connect_bound, missing: ""]

    @type t :: %__MODULE__{
            round: pos_integer(),
            healed: integer(),
            listed: integer() | nil,
            connected: integer() | nil,
            list_bound: pos_integer(),
            connect_bound: pos_integer(),
            missing: String.t()
          }
  end

  defstruct troubles: [], rounds: [], lives: [], wholes: [], starved: [], memory: []

  @type t :: %__MODULE__{
          troubles: [Trouble.t()],
          rounds: [integer()],
          lives: [Life.t()],
          wholes: [Whole.t()],
          starved: [Gauge.starved()],
          memory: [Gauge.memory()]
        }

  @doc """
  For how many milliseconds of a span one could not run: who could the least of all, or of these, each `{kind, host}` or
  `:harness`, or `:neighbors` (see GossipCluster.Chaos.Gauge).
  """
  @spec starved(t(), integer(), integer(), [who] | :all) :: non_neg_integer()
        when who: {:beam | :sidecar, pos_integer()} | :harness | :neighbors
  def starved(history, from, until, of \\ :all) do
    waits =
      for {at, who, ms} <- history.starved,
          at >= from and at - ms * 1000 <= until,
          of == :all or process(who) in of,
          do: {who, ms}

    waits
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    |> Enum.map(fn {_who, waits} -> Enum.sum(waits) end)
    |> Enum.max(fn -> 0 end)
  end

  defp process({kind, host, _os_pid}), do: {kind, host}
  defp process(who), do: who

  @doc "The number of a node's host: nodes are called `n1@h1`, `n2@h2`, ..."
  @spec host(String.t()) :: pos_integer()
  def host("n" <> rest), do: rest |> Integer.parse() |> elem(0)

  @doc "The name of the node on a host."
  @spec name(pos_integer()) :: String.t()
  def name(host), do: "n#{host}@h#{host}"
end
