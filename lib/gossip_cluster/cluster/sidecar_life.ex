defmodule GossipCluster.Cluster.SidecarLife do
  @moduledoc false
  # When the sidecar is started, and started again. It may die at any time: it is back at once, and then ever more patiently,
  # and neither the roster nor a connection notices. Pure; times are milliseconds.

  # Delays before it is started again: at once, so that it is back within a second, then ever more patient.
  @reopen [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
  # A sidecar that has run this long was well: its end begins a new series of delays.
  @well 10_000
  # An owner that is started so soon after another opened a sidecar waits as long: what killed that may kill this.
  @early 1_000
  # From configuration to `ready`: deriving a key takes 25 ms, on a slow board a second.
  @ready_timeout 15_000

  # opened: when it was started; attempts: failures in a row; complaint: what was said of the last failure, once; fatal: what
  # it said of itself before it died.
  defstruct state: :down, opened: nil, attempts: 0, complaint: nil, fatal: nil

  @type state :: :down | :waiting | :starting | :running
  @type t :: %__MODULE__{
          state: state(),
          opened: integer() | nil,
          attempts: non_neg_integer(),
          complaint: String.t() | nil,
          fatal: String.t() | nil
        }
  @typedoc "What became of it: when to start the next, and what is to be told."
  @type death :: %{
          delay: pos_integer(),
          attempts: pos_integer(),
          text: String.t(),
          new: boolean()
        }

  @doc "None runs yet."
  @spec new() :: %__MODULE__{state: :down, opened: nil, attempts: 0, complaint: nil, fatal: nil}
  def new, do: %__MODULE__{}

  @doc """
  The owner has started: how long its sidecar waits. `last` is when another owner of this cluster opened one.
  """
  @spec delay(integer() | nil, integer()) :: 0 | pos_integer()
  def delay(last, now), do: if(last != nil and now - last < @early, do: @early, else: 0)

  @doc "It is time to start one, if none runs; one that has no ring yet waits for it."
  @spec open(t(), boolean()) :: {:open | :wait | :nothing, t()}
  def open(%{state: state} = life, _keys?) when state in [:starting, :running],
    do: {:nothing, life}

  def open(life, false), do: {:wait, %{life | state: :waiting}}
  def open(life, true), do: {:open, life}

  @doc "It is started; it says within so many milliseconds that it is ready."
  @spec opened(t(), integer()) :: {pos_integer(), t()}
  def opened(life, now), do: {@ready_timeout, %{life | state: :starting, opened: now}}

  @doc "It says that it runs, after so long; whether that is news, since it was complained of."
  @spec ready(t(), integer()) :: {non_neg_integer(), boolean(), t()}
  def ready(life, now) do
    {now - life.opened, life.complaint != nil, %{life | state: :running, complaint: nil}}
  end

  @doc "Whether there is one that takes commands."
  @spec up?(t()) :: boolean()
  def up?(%{state: state}), do: state in [:starting, :running]

  @doc "It says why it is about to die; that is the better word."
  @spec fatal(t(), String.t()) :: t()
  def fatal(life, text), do: %{life | fatal: text}

  @doc "What is said of one that was not ready in time."
  @spec late() :: String.t()
  def late, do: "gossipd was not ready within #{@ready_timeout} ms"

  @doc """
  It has ended: it could not be started or was stopped (`{:text, text}`), has exited (`{:exited, text}`), or the pipe to it
  broke (`{:broken, reason}`).
  """
  @spec died(t(), {:text | :exited, String.t()} | {:broken, term()}, integer()) :: {death(), t()}
  def died(life, how, now) do
    text = text(life, how)
    well = life.state == :running and now - life.opened >= @well
    attempts = if well, do: 0, else: life.attempts

    death = %{
      delay: Enum.at(@reopen, attempts, List.last(@reopen)),
      attempts: attempts + 1,
      text: text || "gossipd is gone (:epipe)",
      # Said once, not at each try.
      new: text != nil and text != life.complaint
    }

    {death,
     %{
       life
       | state: :down,
         attempts: attempts + 1,
         complaint: text || life.complaint,
         fatal: nil
     }}
  end

  defp text(_life, {:text, text}), do: text
  defp text(life, {:exited, text}), do: life.fatal || text

  # It ended before it had read what was written, so its exit status is lost: the next one will tell.
  defp text(%{state: :starting, attempts: 0, fatal: nil}, {:broken, :epipe}), do: nil

  defp text(life, {:broken, reason}),
    do: life.fatal || life.complaint || "gossipd is gone (#{inspect(reason)})"
end
