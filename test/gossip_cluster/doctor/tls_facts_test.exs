defmodule GossipCluster.Doctor.TlsFactsTest do
  # What the doctor says of the files of a distribution over TLS: real ones, made by openssl as guides/tls.md has it, each
  # with a trouble of its own.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.{Findings, Report, TlsFacts}

  setup_all do
    # A node with the distribution over TLS has it. Since Elixir 1.15 mix leaves applications out of the path that nobody
    # named.
    if function_exported?(Mix, :ensure_application!, 1),
      do: apply(Mix, :ensure_application!, [:public_key])

    dir = Path.join(System.tmp_dir!(), "gossip-tls-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)

    sh(dir, """
    set -e
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -key ca.key -days 3650 -subj /CN=shop-ca -out ca.pem
    openssl ecparam -name prime256v1 -genkey -noout -out ec.key
    openssl genpkey -algorithm ed25519 -out ed.key
    openssl genrsa -out rsa.key 2048
    openssl ec -in ec.key -aes128 -passout pass:unspoken -out guarded.key
    for kind in ec ed rsa; do
      openssl req -new -key $kind.key -subj /CN=h1 -addext subjectAltName=DNS:h1,IP:10.0.0.1 -out node.csr
      openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -days 365 -copy_extensions copy -out $kind.pem
    done
    # By `ca`, which takes dates: since OpenSSL 3.4 `x509 -days` may not be negative.
    printf '%s\\n' '[ca]' default_ca=past '[past]' database=index serial=serial new_certs_dir=. default_md=sha256 \\
      copy_extensions=copy policy=any '[any]' commonName=supplied >ca.cnf
    : >index
    openssl ca -batch -config ca.cnf -create_serial -cert ca.pem -keyfile ca.key -in node.csr -out expired.pem -notext \\
      -startdate 20200101000000Z -enddate 20200102000000Z
    cat rsa.pem rsa.key >both.pem
    head -c 400 ec.pem >broken.pem
    """)

    {:ok, dir: dir}
  end

  defp sh(dir, script) do
    {output, status} = System.cmd("sh", ["-c", script], cd: dir, stderr_to_stdout: true)
    assert status == 0, output
  end

  # Of a file like the guide's: what is found to be wrong, and all that was said.
  defp examine(dir, options, host \\ "h1") do
    options =
      Keyword.merge([certfile: "ec.pem", keyfile: "ec.key", cacertfile: "ca.pem"], options)

    options =
      for {key, value} <- options,
          do: {key, if(is_binary(value), do: to_charlist(Path.join(dir, value)), else: value)}

    file = Path.join(dir, "#{System.unique_integer([:positive])}.conf")
    File.write!(file, :io_lib.format("~p.~n", [[server: options, client: options]]))
    judge(TlsFacts.examine(file, host))
  end

  defp judge(tls) do
    node = %{
      name: "a@h1",
      host: "h1",
      long_names: false,
      tls: true,
      ipv6: false,
      hidden: false,
      epmd_module: GossipCluster.Epmd,
      cookie: true,
      weak_cookie: nil,
      listener: nil,
      port: 9_100,
      addresses: [],
      resolves: nil
    }

    options = %{group: "233.252.1.33", port: 45_893, unicast_port: {45_894, 45_901}}
    cluster = %{name: Shop, state: :none, others: [], options: options, gossipd: :ok}

    host = %{
      interfaces: [],
      error: nil,
      neighbors: [],
      group: nil,
      group_port: nil,
      unicast_ports: []
    }

    firewall = %{rules: :absent, manager: nil, verdicts: []}
    facts = %{node: node, tls: tls, cluster: cluster, host: host, firewall: firewall}
    findings = Findings.judge(Map.merge(facts, %{peer: nil, compared: nil}))
    findings = Enum.filter(findings, &String.starts_with?("#{&1.what}", "tls_"))
    ill = for %{level: level, what: what} <- findings, level != :ok, do: {level, what}
    json = Report.json(%{status: :ok, findings: findings, code: "", facts: facts})
    {ill, Enum.map_join(findings, "\n", & &1.cause), json}
  end

  test "keys of all kinds fit their certificates, in one file or two", %{dir: dir} do
    for {certificate, key} <- [
          {"ec.pem", "ec.key"},
          {"ed.pem", "ed.key"},
          {"rsa.pem", "rsa.key"},
          {"both.pem", "both.pem"}
        ] do
      assert {[], text, _json} = examine(dir, certfile: certificate, keyfile: key)
      # Said once, though server and client have the same.
      assert [line] = String.split(text, "\n")
      assert line =~ ~r/#{certificate} is valid until 20\d\d-/
    end

    assert {[], _text, _json} = examine(dir, [], "10.0.0.1")
    # One that a password guards is not opened.
    assert {[], _text, _json} = examine(dir, keyfile: "guarded.key", password: ~c"unspoken")
  end

  test "an expired certificate is named, and so is one that is still to come", %{dir: dir} do
    assert {[broken: :tls_expired], text, _} =
             examine(dir, certfile: "expired.pem", keyfile: "rsa.key")

    assert text =~ ~r/expired.pem has expired, 20\d\d-/

    file = Path.join(dir, "now.conf")
    File.write!(file, ~s([{server, [{certfile, "#{dir}/both.pem"}]}].))
    tls = TlsFacts.examine(file, "h1")
    assert {[broken: :tls_expired], text, _} = judge(%{tls | now: tls.now - 86_400})
    assert text =~ "both.pem is valid from 20"
    assert {[], _, _} = judge(tls)
  end

  test "another's key is named, of the same kind or of another", %{dir: dir} do
    for key <- ["ca.key", "rsa.key", "ed.key"],
        do: assert({[broken: :tls_key], _, _} = examine(dir, keyfile: key))

    for certificate <- ["rsa.pem", "ed.pem"],
        do: assert({[broken: :tls_key], _, _} = examine(dir, certfile: certificate))
  end

  test "a certificate for another host is named", %{dir: dir} do
    assert {[warning: :tls_name], text, _} = examine(dir, [], "h2")
    assert text =~ "ec.pem is not for "
  end

  test "files that are not there, or not what they should be, are named", %{dir: dir} do
    for options <- [
          [certfile: "none.pem"],
          [keyfile: "none.key"],
          [cacertfile: "none.pem"],
          [certfile: "broken.pem"],
          [certfile: "ec.key"],
          [keyfile: "ec.pem"],
          [cacertfile: "ca.key"]
        ] do
      assert {[broken: :tls_file], text, _} = examine(dir, options)
      [{_key, name}] = options
      assert text =~ "#{name}, which the distribution over TLS is given, cannot be used: "
    end
  end

  test "the file of options itself must be read, and nothing of it is shown", %{dir: dir} do
    for {text, why} <- [
          {nil, "no such file or directory"},
          {~s([{server, [{password, "unspoken} ]}].), "it is no Erlang at line 1"},
          {~s([{server, [{password unspoken}]}].), "it is no Erlang at line 1"},
          {~s({server, []}.), "it is not as ssl wants it"},
          {~s([{server, unspoken}].), "it is not as ssl wants it"}
        ] do
      file = Path.join(dir, "bad.conf")
      File.rm(file)
      if text, do: File.write!(file, text)
      assert {[broken: :tls_file], said, json} = judge(TlsFacts.examine(file, "h1"))
      assert said =~ why
      refute said =~ "unspoken"
      refute json =~ "unspoken"
    end
  end

  test "no report has anything of a key, or a password", %{dir: dir} do
    {_, text, json} = examine(dir, keyfile: "guarded.key", password: ~c"unspoken")
    key = dir |> Path.join("ec.key") |> File.read!() |> String.split("\n") |> Enum.at(1)
    {_, more, more_json} = examine(dir, [])
    said = text <> json <> more <> more_json
    refute said =~ "unspoken"
    refute said =~ key
    assert json =~ ~s("key":"unknown")
    assert more_json =~ ~s("key":"fits")
  end

  test "a node that was given no such file has none" do
    assert TlsFacts.gather("h1") == nil
  end
end
