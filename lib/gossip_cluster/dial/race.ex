defmodule GossipCluster.Dial.Race do
  @moduledoc false
  # Which of several addresses answers: Happy Eyeballs, RFC 8305. TCP connects begin one after the other, the next when
  # one has failed, or has not answered for 250 ms; the first that is answered wins, and all are closed again. When all
  # have begun, those that are silent are asked again beside them, for TCP itself repeats a lost SYN only after a
  # second.

  # RFC 8305, section 5: the Connection Attempt Delay, in milliseconds.
  @delay 250

  @doc """
  The first of the addresses where TCP to the port is answered; or why none was within so many milliseconds, as
  `gen_tcp` says of the first. The processes that connect are linked to the caller, and gone when this returns.
  """
  @spec run([:inet.ip_address(), ...], :inet.port_number(), pos_integer()) ::
          {:ok, :inet.ip_address()} | {:error, atom()}
  def run([_ | _] = ips, port, patience) do
    until = now() + patience
    race = %{ref: :erlang.alias(), ips: ips, port: port, until: until, pids: [], errors: %{}}
    {result, race} = race |> begin(ips) |> wait()
    stop(race)
    result
  end

  # Waits for an answer, and begins what is left as time passes. `left` are those that this round has still to begin.
  defp wait({race, left}) do
    %{ref: ref} = race

    receive do
      {^ref, ip, :ok} -> {{:ok, ip}, race}
      {^ref, ip, why} -> failed(%{race | errors: Map.put(race.errors, ip, why)}, left)
    after
      max(min(@delay, race.until - now()), 0) ->
        if now() < race.until,
          do: race |> begin(left(race, left)) |> wait(),
          else: {lost(race), race}
    end
  end

  defp failed(race, [_ | _] = left), do: race |> begin(left) |> wait()

  defp failed(race, []),
    do: if(silent(race) == [], do: {lost(race), race}, else: wait({race, []}))

  defp left(race, []), do: silent(race)
  defp left(_race, left), do: left

  defp silent(race), do: Enum.reject(race.ips, &is_map_key(race.errors, &1))
  defp lost(%{ips: [first | _]} = race), do: {:error, Map.get(race.errors, first, :timeout)}

  defp begin(race, [ip | left]) do
    %{ref: ref, port: port, until: until} = race
    patience = max(until - now(), 1)
    pid = spawn_link(fn -> send(ref, {ref, ip, connect(ip, port, patience)}) end)
    {%{race | pids: [pid | race.pids]}, left}
  end

  defp connect(ip, port, patience) do
    family = if tuple_size(ip) == 8, do: :inet6, else: :inet

    case :gen_tcp.connect(ip, port, [family, :binary, active: false], patience) do
      {:ok, socket} -> :gen_tcp.close(socket)
      {:error, why} -> why
    end
  end

  # Nothing of it is left in the caller, which may be a process of Erlang's own.
  defp stop(%{ref: ref, pids: pids}) do
    _ = :erlang.unalias(ref)

    for pid <- pids do
      Process.unlink(pid)
      Process.exit(pid, :kill)
      # Where the caller traps exits.
      receive do
        {:EXIT, ^pid, _reason} -> :ok
      after
        0 -> :ok
      end
    end

    flush(ref)
  end

  defp flush(ref) do
    receive do
      {^ref, _ip, _result} -> flush(ref)
    after
      0 -> :ok
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
