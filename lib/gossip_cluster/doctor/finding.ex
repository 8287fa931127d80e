defmodule GossipCluster.Doctor.Finding do
  @moduledoc false
  # One thing that the doctor has found, be it well or not. Pure.

  alias GossipCluster.Doctor.Mends

  @type level :: :ok | :warning | :broken
  @typedoc "`what` is the same for the same cause, always; `do` is `nil` where nothing is to be done."
  @type t :: %{level: level(), what: atom(), cause: String.t(), do: String.t() | nil}

  @doc "What is well."
  @spec ok(atom(), String.t()) :: t()
  def ok(what, text), do: %{level: :ok, what: what, cause: text, do: nil}

  @doc "What is not, and what to do about it: what is always done about that cause, unless it is said."
  @spec found(level(), atom(), String.t()) :: t()
  def found(level, what, cause), do: found(level, what, cause, Mends.default(what))

  @spec found(level(), atom(), String.t(), String.t() | nil) :: t()
  def found(level, what, cause, mend), do: %{level: level, what: what, cause: cause, do: mend}

  @doc "The same, of a text that names cause and mend."
  @spec told(level(), atom(), String.t()) :: t()
  def told(level, what, text) do
    {cause, mend} = Mends.split(text)
    found(level, what, cause, mend || Mends.default(what))
  end
end
