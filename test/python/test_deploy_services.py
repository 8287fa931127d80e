"""deploy/compose, deploy/systemd and deploy/quadlet, each as its own tool says, where Debian has one: `docker-compose
config` holds a file to Compose's schema, `systemd-analyze` knows every key of a unit and rates what it still allows.
Quadlet's generator came with Podman 4.4, which Debian 12 lacks: of these files the sections that are systemd's are given
to systemd, and the keys that are Podman's are held to podman-systemd.unit(5), as far as they are used.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
BOOLEAN = "true|false"
# Podman's keys, as its manual has them, and what they may be.
QUADLET = {
    "Container": {"Image": r"[\w./-]+:[\w.-]+", "Network": r"host|\w+\.network", "Environment": r"[A-Z_]+=\S+",
                  "Secret": r"[\w.-]+(,(type=(mount|env)|target=[^,]+|uid=\d+|gid=\d+|mode=0[0-7]{3}))*",
                  "ReadOnly": BOOLEAN, "NoNewPrivileges": BOOLEAN, "DropCapability": r"all|[A-Z_ ]+"},
    "Network": {"NetworkName": r"[\w-]+"},
}


def run(*command):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def unit(text):
    """A unit's sections, each a list of keys and values: a key may stand there several times."""
    sections = {}
    for line in text.splitlines():
        if re.match(r"\[\w+\]$", line):
            keys = sections.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys.append((key, value))
    return sections


class ComposeTest(unittest.TestCase):
    def config(self, *files):
        arguments = [word for file in files for word in ("-f", file)]
        # Not the tester's variables, and no Docker.
        return run("env", "-i", "PATH=/usr/bin:/bin", "docker-compose", *arguments, "config")

    def test_compose_takes_the_files(self):
        for files, network in ((["compose.yaml"], "host"), (["compose.yaml", "bridge.yaml"], "bridge")):
            answer = self.config(*(DEPLOY / "compose" / file for file in files))
            self.assertEqual(answer.returncode, 0, answer.stdout)
            config = yaml.safe_load(answer.stdout)
            service = config["services"]["gossip"]
            self.assertEqual(service["network_mode"], network)
            self.assertEqual(service["environment"], {"RELEASE_NAME": "gossip"})
            # Where the image's env.sh looks for a cookie.
            self.assertEqual(service["secrets"], [{"source": "cookie"}])
            self.assertEqual(config["secrets"], {"cookie": {"file": str(ROOT / "cookie.txt")}})
            self.assertEqual((service["read_only"], service["cap_drop"]), (True, ["ALL"]))
            self.assertEqual(pathlib.Path(service["build"]["context"]), ROOT)
        self.assertIn("/run/secrets/cookie", (ROOT / "rel/env.sh.eex").read_text())

    def test_and_no_slip_of_the_pen(self):
        text = (DEPLOY / "compose/compose.yaml").read_text()
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "compose.yaml"
            for right, wrong in (("read_only:", "readonly:"), ("[ALL]", "ALL")):
                self.assertIn(right, text)
                file.write_text(text.replace(right, wrong, 1))
                self.assertNotEqual(self.config(file).returncode, 0, wrong)


class SystemdTest(unittest.TestCase):
    """As `systemd-analyze` of this machine has it; none of it needs a systemd that runs."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.text = (DEPLOY / "systemd/shop.service").read_text()
        program = self.folder / "shop"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)

    def place(self, text, name="shop.service"):
        """The unit in a folder of its own; the program that it starts must be there."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("/opt/shop/bin/shop", str(self.folder / "shop")))
        return file

    def assert_verified(self, file):
        answer = run("systemd-analyze", "verify", "--man=no", file)
        self.assertEqual((answer.returncode, answer.stdout), (0, ""))

    def test_every_key_is_known_and_every_value_may_be(self):
        self.assert_verified(self.place(self.text))
        drop_in = DEPLOY / "systemd/shop.service.d/private-network.conf"
        self.place(drop_in.read_text(), "shop.service.d/private-network.conf")
        self.assert_verified(self.folder / "shop.service")
        for right, wrong in (("ProtectSystem=", "ProtectsSystem="), ("AF_NETLINK", "AF_NETLINKS"),
                             ("@system-service", "@system-services"), ("OOMPolicy=stop", "OOMPolicy=end"),
                             ("bin/shop start", "bin/shops start")):
            self.assertIn(right, self.text)
            with self.assertRaises(AssertionError, msg=wrong):
                self.assert_verified(self.place(self.text.replace(right, wrong)))

    def exposure(self, text):
        answer = run("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", self.place(text))
        rated = re.search(r"Overall exposure level for shop.service: ([\d.]+)", answer.stdout)
        self.assertIsNotNone(rated, answer.stdout)
        return answer.returncode, float(rated.group(1))

    def test_little_is_left_that_it_may_do(self):
        # From 0 (all is forbidden) to 10; the threshold is in tenths. What is left stands in the unit, with why.
        status, exposure = self.exposure(self.text)
        self.assertEqual(status, 0, exposure)
        status, exposure = self.exposure(self.text.replace("NoNewPrivileges=yes\n", "")
                                         .replace("DynamicUser=yes\n", "").replace("User=shop\n", ""))
        self.assertNotEqual(status, 0, exposure)

    def test_what_a_node_needs_is_not_taken_away(self):
        keys = unit(self.text)["Service"]
        names = [key for key, _ in keys]
        for taken in ("MemoryDenyWriteExecute", "ProtectProc", "ProcSubset", "PrivateNetwork", "WatchdogSec"):
            self.assertNotIn(taken, names)
        self.assertIn(("RestrictAddressFamilies", "AF_INET AF_INET6 AF_NETLINK AF_UNIX"), keys)
        # Cookie and key are files that systemd hands over, and stand in no variable.
        credentials = dict(value.split(":") for key, value in keys if key == "LoadCredential")
        self.assertEqual(credentials, {"cookie": "/etc/shop/cookie", "cluster.key": "/etc/shop/cluster.key"})
        self.assertIn(("Environment", "RELEASE_COOKIE_FILE=%d/cookie"), keys)
        self.assertEqual(dict(keys)["RuntimeDirectory"], "shop")
        self.assertIn(("Environment", "RELEASE_TMP=%t/shop"), keys)


class QuadletTest(unittest.TestCase):
    def check(self, file, text=None):
        """Podman's sections by its manual, and the rest by systemd, with a program in place of the container."""
        sections = unit(text or file.read_text())
        own = [name for name in sections if name in QUADLET]
        self.assertEqual(own, [{".container": "Container", ".network": "Network"}[file.suffix]])
        for key, value in sections[own[0]]:
            self.assertIn(key, QUADLET[own[0]], "{}: a key of Podman's manual?".format(file.name))
            self.assertRegex(value, "^({})$".format(QUADLET[own[0]][key]), key)
        if file.suffix == ".container":
            with tempfile.TemporaryDirectory() as folder:
                service = pathlib.Path(folder) / (file.stem + ".service")
                service.write_text("".join(
                    "[{}]\n".format(name) + "".join("{}={}\n".format(*pair) for pair in pairs)
                    for name, pairs in sections.items() if name not in QUADLET) + "[Service]\nExecStart=/bin/true\n")
                name = service.with_name(service.name.replace("@.", "@a."))
                if name != service:
                    name.symlink_to(service.name)
                answer = run("systemd-analyze", "verify", "--man=no", name)
                self.assertEqual((answer.returncode, answer.stdout), (0, ""), file.name)
        return dict(sections[own[0]])

    def test_each_file_has_the_keys_that_podman_and_systemd_take(self):
        files = sorted((DEPLOY / "quadlet").glob("*"))
        self.assertEqual([file.name for file in files], ["gossip.container", "gossip.network", "gossip@.container"])
        for file in files:
            self.check(file)
        container = files[0]
        text = container.read_text()
        for right, wrong in (("DropCapability", "DropCapabilities"), ("ReadOnly=true", "ReadOnly=1"),
                             ("Restart=on-failure", "Restart=on-fail"), ("mode=0400", "mode=400")):
            self.assertIn(right, text)
            with self.assertRaises(AssertionError, msg=wrong):
                self.check(container, text.replace(right, wrong))

    def test_they_run_the_image_as_it_is(self):
        user = re.search(r"^USER (\d+):0$", DOCKERFILE, re.M).group(1)
        for name in ("gossip.container", "gossip@.container"):
            container = self.check(DEPLOY / "quadlet" / name)
            # The cookie is the file that env.sh is told, and the image's user alone reads it.
            secret = re.fullmatch(r"cookie,target=([^,]+),uid={},mode=0400".format(user), container["Secret"])
            self.assertIn(("Environment", "RELEASE_COOKIE_FILE=" + secret.group(1)),
                          unit((DEPLOY / "quadlet" / name).read_text())["Container"])
            self.assertEqual(container["Image"], "localhost/gossip:latest")
        self.assertEqual(self.check(DEPLOY / "quadlet/gossip.container")["Network"], "host")
        self.assertTrue((DEPLOY / "quadlet" / container["Network"]).exists())


class GuideTest(unittest.TestCase):
    def test_the_guides_have_the_commands_of_the_files(self):
        guides = "".join((ROOT / "guides" / name).read_text() for name in ("containers.md", "releases.md"))
        words = {re.sub(r"\s+# .*$", "", line).strip() for line in guides.splitlines()}
        files = [file for folder in ("compose", "quadlet", "systemd") for file in (DEPLOY / folder).rglob("*")
                 if file.is_file()]
        self.assertGreaterEqual(len(files), 7)
        told = 0
        for file in files:
            self.assertIn(file.name, guides)
            for line in re.findall(r"^#     ([a-z].*|[A-Z_]+=.*)$", file.read_text(), re.M):
                command = re.sub(r"\s+# .*$", "", line)
                # The guides name the cookie's file and several commands of a line in their own way.
                if re.match(r"(docker|chmod|openssl|systemctl daemon|cp|install|podman build|RELEASE_NAME)", command) \
                        and "@" not in command:
                    told += 1
                    self.assertIn(command, words, file.name)
        self.assertGreaterEqual(told, 9)


if __name__ == "__main__":
    unittest.main()
