defmodule GossipCluster.Integration.TlsGuideTest do
  # guides/tls.md to the letter: its commands make the certificates, its file and flags start the nodes.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @guide File.read!("guides/tls.md")
  @quick [interval: 200, secret: {:key, String.duplicate("k", 32)}]

  # What the guide puts into /etc/shop of a host, with this name in the certificate; and its flags.
  defp host(dir, name) do
    etc = Path.join(dir, name)
    File.mkdir!(etc)
    File.cp!(Path.join(dir, "ca.pem"), Path.join(etc, "ca.pem"))
    File.cp!(Path.join(dir, "ca.key"), Path.join(etc, "ca.key"))
    for command <- commands(2..4), do: sh(etc, String.replace(command, "h1", name))

    [_, conf] = Regex.run(~r/```erlang\n(.*?)```/s, @guide)
    File.write!(Path.join(etc, "dist.conf"), String.replace(conf, "/etc/shop", etc))

    [flags] = Regex.run(~r/^    -proto_dist.*\n    -ssl_dist_optfile.*$/m, @guide)
    flags |> String.replace("/etc/shop", etc) |> String.split()
  end

  defp commands(range) do
    all = for [_, command] <- Regex.scan(~r/^    (openssl .*)$/m, @guide), do: command
    assert length(all) == 5
    Enum.slice(all, range)
  end

  defp sh(dir, command) do
    {output, status} = System.cmd("sh", ["-c", command], cd: dir, stderr_to_stdout: true)
    assert status == 0, "#{command}: #{output}"
  end

  test "nodes with its certificates connect, and no other; a wrong name stops the dials of others" do
    lab = Lab.start(hosts: 4)
    authority(lab.dir)
    a = Node.start(lab, "a", host: 1, cluster: @quick, flags: host(lab.dir, "h1"))
    b = Node.start(lab, "b", host: 2, cluster: @quick, flags: host(lab.dir, "h2"))
    eventually("a and b are connected", [a, b], fn -> Node.connected(a) == [b.name] end)

    File.mkdir!(Path.join(lab.dir, "foreign"))
    authority(Path.join(lab.dir, "foreign"))
    flags = host(Path.join(lab.dir, "foreign"), "h3")
    c = Node.start(lab, "c", host: 3, cluster: @quick, flags: flags)
    d = Node.start(lab, "d", host: 4, cluster: @quick, flags: host(lab.dir, "other"))

    eventually("d's own dial comes through, those of others do not", [a, d], fn ->
      said?(a, "hostname_check_failed") and d.name in Node.connected(a)
    end)

    eventually("a does not trust c", [a, c], fn -> said?(a, "Unknown CA") end)

    # Of those that b has dialled in vain `global` may end connections, which d makes again.
    eventually("a has b and d, and nobody else", [a, b, c, d], fn ->
      Node.connected(a) == [b.name, d.name]
    end)

    for node <- [a, b, d], do: refute({:nodeup, c.name} in Node.links(node))

    # The doctor sees what it can of that from the files: that c's authority is another's, it cannot.
    assert [{:ok, :tls_certificate}] = tls(a)
    assert [{:ok, :tls_certificate}] = tls(c)
    assert [{:ok, :tls_certificate}, {:warning, :tls_name}] = tls(d)
  end

  defp tls(node) do
    readers = %{status: &GossipCluster.status/1, peers: &GossipCluster.peers/1}

    %{findings: findings} =
      Node.call(node, GossipCluster.Doctor, :examine, [[listen: 0], readers])

    for %{level: level, what: what} <- findings,
        String.starts_with?(Atom.to_string(what), "tls_"),
        do: {level, what}
  end

  defp authority(dir), do: for(command <- commands(0..1), do: sh(dir, command))

  defp said?(node, text),
    do: Enum.any?(Node.log(node), fn {_at, _level, line} -> line =~ text end)
end
