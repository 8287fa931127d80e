defmodule Bench.Rows do
  @moduledoc """
  What is measured: a row each, with who takes part, by turns.

  A row is a function of `env`, whose `trials` says how many there are to be: so many in a full run, so few in a quick
  one. It tells by `steps` how often it will call `emit`, which keeps samples (`Bench.Measure.sample/5`, and the row's
  name).
  """

  @all [
    start: {Bench.Starts, "from the start to NODEUP on both of two nodes"},
    busy: {Bench.Starts, "the same, with a busy loop on each core"},
    loss: {Bench.Starts, "the same, of nodes that start at once, where packets are lost"},
    mesh: {Bench.Starts, "meshes of 12 and of 20, and the processor time of a start"},
    cut: {Bench.Cuts, "a cable is cut: until the others know"},
    crowd: {Bench.Costs, "a node among 1,000 members that beat: what it costs"},
    flood: {Bench.Floods, "junk, forged and recorded datagrams, many a second"},
    idle: {Bench.Costs, "two members, and nothing to do"},
    beat: {Bench.Costs, "a steady beat, from its datagram to the roster: the core alone"}
  ]

  @doc "The rows by name, with what each is."
  def all, do: for({name, {_module, title}} <- @all, do: {name, title})

  @doc "The module that has a function of the row's name."
  def module(name), do: elem(Keyword.fetch!(@all, name), 0)

  @doc "Measures a row."
  def run(name, env) do
    emit = fn samples -> env.emit.(for s <- List.wrap(samples), do: Map.put(s, :row, name)) end
    apply(module(name), name, [%{env | emit: emit}])
  end
end
