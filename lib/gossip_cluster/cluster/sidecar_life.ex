defmodule GossipCluster.Cluster.SidecarLife do
  @moduledoc false
  # When the sidecar is started, and started again. It may die at any time: it is back at once, and then ever more
  # patiently, and neither the roster nor a connection notices. Pure; times are milliseconds.

  alias GossipCluster.Sidecar.Process

  # Delays before it is started again: at once, so that it is back within a second, then ever more patient.
  @reopen [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
  # A sidecar that has run this long was well: its end begins a new series of delays.
  @well 10_000
  # An owner that is started so soon after another opened a sidecar waits as long: what killed that may kill this.
  @early 1_000
  # From configuration to `ready`: deriving a key takes 25 ms, on a slow board a second.
  @ready_timeout 15_000

  # The owner looks at its node every half interval, and at least so often; each second time it sends a pulse, for that
  # wakes the sidecar; what the sidecar says is an answer to it.
  @look 300
  # One that runs, and has not answered for so long, is stuck: replaced, it is back in less than 5 s in all.
  @patience 3_000
  @silent 1_000
  # So long after its time a pulse tells that this VM itself was stopped: the sidecar may have been, too.
  @paused 1_200

  # process: of the operating system; pulsed: when the last pulse was sent; unanswered: for so many milliseconds of this
  # VM's own time, or nil; busy: until then it may be deriving keys. opened: when it was started; attempts: failures in
  # a row; complaint: what was said of the last failure, once; fatal: what it said of itself before it died; lacks: what
  # one said that its sandbox lacks.
  defstruct state: :down,
            process: nil,
            opened: nil,
            pulsed: nil,
            unanswered: nil,
            busy: nil,
            attempts: 0,
            complaint: nil,
            fatal: nil,
            lacks: nil

  @type state :: :down | :waiting | :starting | :running
  @type t :: %__MODULE__{
          state: state(),
          process: Process.t() | nil,
          opened: integer() | nil,
          pulsed: integer() | nil,
          unanswered: integer() | nil,
          busy: integer() | nil,
          attempts: non_neg_integer(),
          complaint: String.t() | nil,
          fatal: String.t() | nil,
          lacks: String.t() | nil
        }
  @typedoc "What became of it: when to start the next, and what is to be told."
  @type death :: %{
          delay: pos_integer(),
          attempts: pos_integer(),
          text: String.t(),
          new: boolean()
        }

  @doc """
  The owner has started: how long its sidecar waits. `last` is when another owner of this cluster opened one.
  """
  @spec delay(integer() | nil, integer()) :: 0 | pos_integer()
  def delay(last, now), do: if(last != nil and now - last < @early, do: @early, else: 0)

  @doc "It is time to start one, if none runs; where it may not be opened yet, as without a ring, it waits."
  @spec open(t(), boolean()) :: {:open | :wait | :nothing, t()}
  def open(%{state: state} = life, _ready?) when state in [:starting, :running],
    do: {:nothing, life}

  def open(life, false), do: {:wait, %{life | state: :waiting}}
  def open(life, true), do: {:open, life}

  @doc "It is started; it says within so many milliseconds that it is ready."
  @spec opened(t(), Process.t() | nil, integer()) :: {pos_integer(), t()}
  def opened(life, process, now) do
    {@ready_timeout,
     %{
       life
       | state: :starting,
         process: process,
         opened: now,
         pulsed: nil,
         unanswered: nil,
         busy: nil
     }}
  end

  @doc "Its sandbox lacks this; whether that is news, since no other one has said it."
  @spec lacks(t(), String.t()) :: {boolean(), t()}
  def lacks(life, text), do: {life.lacks != text, %{life | lacks: text}}

  @doc "It says that it runs, after so long; whether that is news, since it was complained of."
  @spec ready(t(), integer()) :: {non_neg_integer(), boolean(), t()}
  def ready(%{} = life, now) do
    {now - life.opened, life.complaint != nil, %{life | state: :running, complaint: nil}}
  end

  @doc "Whether there is one that takes commands."
  @spec up?(t()) :: boolean()
  def up?(%{state: state}), do: state in [:starting, :running]

  @doc "How often the owner looks at its node, in milliseconds, by the interval of the beats."
  @spec every(pos_integer()) :: pos_integer()
  def every(interval), do: interval |> div(2) |> min(@look)

  @doc "Whether a pulse is due at this look, one of which comes every so many milliseconds: each second time."
  @spec due?(t(), pos_integer(), integer()) :: boolean()
  def due?(%{pulsed: nil}, _every, _now), do: true
  def due?(%{pulsed: pulsed}, every, now), do: 2 * (now - pulsed) >= 3 * every

  @doc """
  A pulse is sent, one is every so many milliseconds. Of what was not answered since the one before: `:look` whether it
  is stopped; or it is `{:stuck, text}`. What counts is the time that this VM has lived through: after a pause of its
  own, as of a machine that slept, or while its own timers are late, it cannot tell.
  """
  @spec pulse(t(), pos_integer(), integer()) :: {:ok | :look | {:stuck, String.t()}, t()}
  def pulse(%{state: state} = life, _every, _now) when state not in [:starting, :running],
    do: {:ok, life}

  def pulse(%{} = life, every, now) do
    since = now - (life.pulsed || now)
    before = life.unanswered
    life = %{life | pulsed: now, unanswered: waited(before, since, every)}

    cond do
      before == nil or life.unanswered <= 0 or since > 2 * every ->
        {:ok, life}

      stuck?(life, now) ->
        {{:stuck, "gossipd does not answer for #{@patience} ms, and is killed"}, life}

      true ->
        {:look, life}
    end
  end

  # What was stopped with this VM wakes up in its own time.
  defp waited(_before, since, _every) when since > @paused, do: -@paused
  defp waited(nil, _since, _every), do: 0
  defp waited(before, since, every), do: before + min(since, 2 * every)

  defp stuck?(%{} = life, now) do
    life.state == :running and life.unanswered >= @patience and
      (life.busy == nil or now >= life.busy)
  end

  @doc """
  Half-way to the next pulse: whether one that has not answered the last yet is to be looked at. The others bury who is
  silent for 2 s of theirs; so where it is stopped, the next one is to be there by then.
  """
  @spec half_way(t()) :: :ok | :look
  def half_way(%{state: state, unanswered: unanswered})
      when state in [:starting, :running] and is_integer(unanswered) and unanswered >= 0,
      do: :look

  def half_way(_life), do: :ok

  @doc "It has said something."
  @spec heard(t()) :: t()
  def heard(%{unanswered: nil} = life), do: life
  def heard(life), do: %{life | unanswered: nil}

  @doc "Whether it answers, as far as is known: one that is silent for a second does not."
  @spec answers?(t()) :: boolean()
  def answers?(%{} = life), do: life.unanswered == nil or life.unanswered < @silent

  @doc "It has been given keys: to derive one takes it a second on a slow board."
  @spec given_keys(t(), integer()) :: t()
  def given_keys(life, now), do: %{life | busy: now + @ready_timeout}

  @doc "It has derived them."
  @spec keys_changed(t()) :: t()
  def keys_changed(life), do: %{life | busy: nil}

  @doc "This is how its process was seen. One that is stopped, and has not answered since, does nothing any more."
  @spec seen(t(), Process.t(), :stopped | :runs | :unknown) :: :ok | {:stuck, String.t()}
  def seen(%{process: process, unanswered: unanswered} = life, process, :stopped)
      when is_integer(unanswered) and unanswered >= 0 do
    if up?(life),
      do:
        {:stuck,
         "gossipd does not answer: its process is stopped (by SIGSTOP, or a debugger), and is killed"},
      else: :ok
  end

  def seen(_life, _process, _state), do: :ok

  @doc "It says why it is about to die; that is the better word."
  @spec fatal(t(), String.t()) :: t()
  def fatal(life, text), do: %{life | fatal: text}

  @doc "What is said of one that was not ready in time."
  @spec late() :: String.t()
  def late, do: "gossipd was not ready within #{@ready_timeout} ms"

  @doc """
  It has ended: it could not be started or was stopped (`{:text, text}`), has exited (`{:exited, text}`), or the pipe to
  it broke (`{:broken, reason}`).
  """
  @spec died(t(), {:text | :exited, String.t()} | {:broken, term()}, integer()) :: {death(), t()}
  def died(%{} = life, how, now) do
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
         process: nil,
         attempts: attempts + 1,
         complaint: text || life.complaint,
         fatal: nil
     }}
  end

  defp text(_life, {:text, text}), do: text
  defp text(life, {:exited, text}), do: life.fatal || text

  # It ended before it had read what was written, so its exit status is lost: the next one will tell.
  defp text(%{state: :starting, attempts: 0, fatal: nil}, {:broken, :epipe}), do: nil

  defp text(%{} = life, {:broken, reason}),
    do: life.fatal || life.complaint || "gossipd is gone (#{inspect(reason)})"
end
