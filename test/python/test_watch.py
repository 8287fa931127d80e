"""`gossipd watch` among real sidecars: who watches hears all, is listed by nobody, and sends nothing. Its terminal is a
pseudo-terminal, which is as it was when it ends, however it ends."""
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios

from group import BUILD, KEY, GroupCase, setUpModule  # noqa: F401
from lab import dropped, nft
from term import Atom
from world import GROUP6

# All that this host sends, but what the kernel reports to routers, and asks its neighbours.
COUNT_OUT = """table inet lab {
chain out {
type filter hook output priority 0;
meta l4proto != { igmp, ipv6-icmp } counter
}
}
"""
GOSSIPD = os.path.abspath(os.path.join(BUILD, "gossipd"))
WATCH = [GOSSIPD, "watch", "--kind", "key"]
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program on a terminal of its own: part of a World."""

    def __init__(self, host, command, columns, rows, **environment):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before, self.seen = termios.tcgetattr(slave), ""
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment}
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host.netns, *command], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave
        os.set_blocking(self.master, False)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def descriptors(self):
        return [(self.master, self.hear)]

    def hear(self):
        self.seen += os.read(self.master, 65536).decode()

    def tick(self):
        pass

    def press(self, keys):
        os.write(self.master, keys.encode())

    def last(self):
        """The lines of the last whole picture."""
        frames = self.seen.split("\x1b[H")[1:]
        whole = [f for f in frames if f.endswith("\x1b[J") or "\x1b[J" in f]
        return CODES.sub("", whole[-1].split("\x1b[J")[0]).replace("\r", "").split("\n") if whole else []

    def is_as_it_was(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Lines:
    """What a program says, a JSON a line: `said` is what has come of the next."""

    def __init__(self, process):
        self.process, self.said, self.lines = process, "", []
        os.set_blocking(process.stdout.fileno(), False)

    def read(self):
        *whole, self.said = (self.said + (self.process.stdout.read() or b"").decode()).split("\n")
        self.lines += map(json.loads, whole)
        return self

    def names(self):
        return {name for name, state, *_ in members(self.lines[-1]) if state == "alive"} if self.lines else None


def members(line):
    return {(m["name"], m["state"], m["said_by"], m["stalled"]) for m in line["members"]}


class WatchTest(GroupCase):
    hosts, sidecars, options = 3, 2, {"group6": GROUP6.encode()}

    def setUp(self):
        super().setUp()
        self.watcher = self.lab[3]
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(KEY.hex() + "\n")
        self.key = file.name
        self.addCleanup(os.remove, self.key)
        nft(self.watcher, COUNT_OUT)

    def begun(self, *arguments, secret=KEY, ends=True):
        process = subprocess.Popen(["ip", "netns", "exec", self.watcher.netns, *WATCH, *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        with contextlib.suppress(BrokenPipeError):  # it may have ended before it wants to know
            process.stdin.write(secret)
            process.stdin.flush()
            if ends:
                process.stdin.close()
        return process

    def ended(self, process):
        """What it has said, and its exit status."""
        self.until(lambda: process.poll() is not None, "it has listened")
        return process.stdout.read().decode(), process.stderr.read().decode(), process.returncode

    def terminal(self, *arguments, columns=100, rows=24, **environment):
        command = [*WATCH, "--secret-file", self.key, *arguments]
        return self.world.add(Terminal(self.watcher, command, columns, rows, **environment))

    def nothing_was_sent(self):
        self.assertEqual(dropped(self.watcher, family="inet"), 0)
        for s in self.real:
            self.assertEqual(s.names() | {s.name}, {r.name for r in self.real})
            self.assertEqual(self.stats(s, "foreign", "forged", "misdirected"), [0] * 3)

    def test_once_it_tells_programs_and_people_who_is_heard(self):
        programs = self.begun("--once", "--json", "--for", "2")
        people = self.begun("--once", "--no-ipv6")
        strangers = self.begun("--once", "--for", "2", secret=bytes(32))
        out, err, status = self.ended(programs)
        self.assertEqual((err, status), ("", 0))
        found = json.loads(out)
        self.assertEqual(found["group"], "233.252.1.33:45893")
        self.assertEqual((found["heard"], found["told"], found["agree"]), (2, 0, 2))
        self.assertEqual([i["name"] for i in found["interfaces"]], ["eth0", "eth0"])
        self.assertGreater(found["counters"]["copies"], 0)  # each beat comes over both families
        self.assertEqual([found["counters"][c] for c in ("foreign", "forged", "malformed", "stale", "misdirected")], [0] * 5)
        self.assertEqual([m["name"] for m in found["members"]], ["s1@h1", "s2@h2"])
        for member, s in zip(found["members"], self.real):
            self.assertEqual(member["from"], [{"ip": s.host.ip, "port": s.ready["unicast_port"]}])
            self.assertEqual((member["state"], member["said_by"], member["heard"]), ("alive", None, True))
            self.assertEqual((member["interval_ms"], member["lists"], member["port"]), (500, 2, 4370))
            self.assertEqual((member["interface"], member["agrees"], member["long_names"]), ("eth0", True, True))
            self.assertEqual(member["boot"], s.ready["boot"].hex())
        out, err, status = self.ended(people)
        self.assertEqual((err, status), ("", 0))
        lines = out.split("\n")
        self.assertEqual(lines[0], "listening to 233.252.1.33:45893 · 2 heard; they list just these")
        self.assertRegex(lines[2], r"^NAME +ADDRESS +LINK +STATE +HEARD")
        self.assertRegex(lines[3], r"^s1@h1 +10\.78\.0\.1 +eth0 +alive +[0-9.]+ s +0\.5 s")
        self.assertNotIn("\x1b", out)
        # With another secret: nobody, and why.
        out, err, status = self.ended(strangers)
        self.assertEqual((err, status), ("", 1))
        self.assertRegex(out, r"! [0-9]+ datagrams are sealed with other keys: another secret, cluster, group or port")
        self.assertIn("(nobody is heard)", out)
        self.nothing_was_sent()

    def test_it_does_not_begin_with_what_is_wrong(self):
        for arguments, why in [
                (["--port", "0"], "--port must be 1..65535"),
                (["--secret", "x"], "there is no option --secret"),
                (["--interface"], "--interface must be a name or an IP address"),
                (["--secret-file", "/nowhere"], "the secret's file /nowhere cannot be opened: No such file")]:
            out, err, status = self.ended(self.begun(*arguments))
            self.assertEqual((out, status), ("", 2))
            self.assertIn(why, err)
            # Also where it stands behind what is wrong; but an option without a value would take it for one.
            behind = [] if arguments == ["--interface"] else [[*arguments, "--json"]]
            for words in [["--json", *arguments], *behind]:
                out, err, status = self.ended(self.begun(*words))
                self.assertEqual((err, status), ("", 2))
                self.assertRegex(out, r"^\{.*\}\n$")
                self.assertEqual(list(json.loads(out)), ["error"])
                self.assertIn(why, json.loads(out)["error"])
        out, err, status = self.ended(self.begun("--once", secret=b"too short"))
        self.assertEqual((out, status), ("", 2))
        self.assertIn("the secret must be 32 bytes, or their Base64 or hexadecimal text", err)
        self.assertNotIn("too short", err)

    def test_a_stream_for_programs_has_a_line_a_second_and_one_at_once_on_a_change(self):
        stream = Lines(self.begun("--json"))
        self.until(lambda: stream.read().names() == {"s1@h1", "s2@h2"}, "both are heard", show=lambda: repr(stream.said))
        begun = len(stream.lines)
        self.until(lambda: len(stream.read().lines) > begun + 2, "the lines go on", show=lambda: repr(stream.said))
        for s, left in zip(self.real, [{"s2@h2"}, set()]):
            s.command((Atom("leave"), Atom("left")))
            self.until(lambda left=left: stream.read().names() == left, "it has left", show=lambda: repr(stream.said))
        # By its own clock, however late we read: after a second, or after less where something has changed.
        gaps = [(b["listened_ms"] - a["listened_ms"], members(a) != members(b)) for a, b in zip(stream.lines, stream.lines[1:])]
        self.assertGreaterEqual(min(gap for gap, changed in gaps if not changed), 1000, gaps)
        self.assertLess(min(gap for gap, changed in gaps if changed), 1000, gaps)
        # It ends with its reader, which is no failure.
        stream.process.stdout.close()
        self.until(lambda: stream.process.poll() is not None, "it has ended")
        self.assertEqual((stream.process.stderr.read(), stream.process.returncode), (b"", 0))
        self.assertEqual(dropped(self.watcher, family="inet"), 0)

    def test_a_stream_ends_by_q_with_who_started_it_and_by_a_signal(self):
        def quit_key(process):
            process.stdin.write(b"q")
            process.stdin.flush()
        head = b"key %s\nsize 0 0\n\n" % KEY.hex().encode()
        for piped, end, status in [(True, quit_key, 0), (True, lambda process: process.stdin.close(), 0),
                                   (False, lambda process: process.send_signal(signal.SIGTERM), -signal.SIGTERM)]:
            process = self.begun("--json", *["--pipe"] * piped, secret=head if piped else KEY, ends=not piped)
            self.addCleanup(process.stdin.close)
            stream = Lines(process)
            self.until(lambda stream=stream: stream.read().lines, "it has begun")
            end(process)
            self.until(lambda process=process: process.poll() is not None, "it has ended")
            self.assertEqual((process.stderr.read(), process.returncode), (b"", status))
            # What it has said is whole.
            self.assertEqual(stream.read().said, "")

    def test_live_on_a_terminal(self):
        seen = self.terminal()
        self.until(lambda: any("s2@h2" in line for line in seen.last()), "it is drawn", show=lambda: repr(seen.seen))
        self.assertIn("\x1b[?1049h\x1b[?25l", seen.seen)
        self.until(lambda: seen.seen.count("\x1b[32malive\x1b[0m") > 1, "they are alive, in green")
        self.assertFalse(seen.is_as_it_was())
        self.assertLessEqual(len(seen.last()), 24)
        self.assertEqual(seen.last()[-1], "q ends, s sorts (by name)")
        # Another size: at once, and it fits.
        seen.resize(40, 8)
        self.until(lambda: len(seen.last()) == 8 and max(map(len, seen.last())) <= 40, "it fits", show=lambda: repr(seen.last()))
        self.assertTrue(any(line.startswith("s2@h2") for line in seen.last()))
        seen.resize(100, 24)
        seen.press("s")
        self.until(lambda: "q ends, s sorts (by state)" in seen.last(), "s sorts")
        # Who leaves, and who is gone: the one says so itself, the other is silent.
        self.real[0].command((Atom("leave"), Atom("left")))
        self.until(lambda: any(line.endswith("s1@h1 has left") for line in seen.last()), "it has left")
        self.real[1].process.send_signal(signal.SIGSTOP)
        self.until(lambda: any(line.endswith("s2@h2 is silent") for line in seen.last()), "it is silent")
        self.assertTrue(any(re.match(r"s2@h2 .* silent ", line) for line in seen.last()), seen.last())
        # Stopped and continued: the terminal is as it was meanwhile.
        seen.press("\x1a")
        self.until(seen.is_as_it_was, "it is stopped")
        self.until(lambda: "T" in stat(seen.process.pid), "it is stopped")
        begun = seen.seen.count("\x1b[?1049h")
        seen.process.send_signal(signal.SIGCONT)
        self.until(lambda: seen.seen.count("\x1b[?1049h") > begun and not seen.is_as_it_was(), "it goes on")
        seen.press("q")
        self.until(lambda: seen.process.poll() is not None, "q ends it")
        self.assertEqual(seen.process.returncode, 0)
        self.assertTrue(seen.is_as_it_was())
        self.until(lambda: seen.seen.endswith("\x1b[?25h\x1b[?1049l"), "the screen is as it was", limit=5)
        self.assertEqual(dropped(self.watcher, family="inet"), 0)

    def test_without_colours_and_ended_by_signals(self):
        for number in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]:
            seen = self.terminal(NO_COLOR="1")
            self.until(lambda seen=seen: any("s2@h2" in line for line in seen.last()), "it is drawn")
            if number == signal.SIGINT:
                seen.press("\x03")
            else:
                seen.process.send_signal(number)
            self.until(lambda seen=seen: seen.process.poll() is not None, "it ends")
            self.assertEqual(seen.process.returncode, -number)
            self.assertTrue(seen.is_as_it_was())
            self.until(lambda seen=seen: seen.seen.endswith("\x1b[?25h\x1b[?1049l"), "the screen is as it was", limit=5)
            self.assertNotRegex(seen.seen, r"\x1b\[[0-9]*m")

    def test_a_person_types_the_secret_unseen(self):
        seen = self.world.add(Terminal(self.watcher, [*WATCH], 100, 24))
        self.until(lambda: "Secret: " in seen.seen and not seen.is_as_it_was(), "it asks")
        seen.press(KEY.hex() + "x\x7f\r")
        self.until(lambda: any("s2@h2" in line for line in seen.last()), "it is drawn", show=lambda: repr(seen.seen))
        self.assertNotIn(KEY.hex()[:8], seen.seen)
        seen.press("q")
        self.until(lambda: seen.process.poll() is not None, "q ends it")
        self.assertTrue(seen.is_as_it_was())
        # Or the terminal is somebody else's, who tells its size, and passes on its keys.
        piped = self.begun("--pipe", secret=b"key %s\nsize 60 8\n\n" % KEY.hex().encode(), ends=False)
        self.addCleanup(piped.stdin.close)
        os.set_blocking(piped.stdout.fileno(), False)
        said = []

        def says(what):
            said.append(piped.stdout.read() or b"")
            return what in b"".join(said)
        self.until(lambda: says(b"s2@h2"), "it is drawn", show=lambda: repr(said))
        self.assertTrue(b"".join(said).startswith(b"\x1b[?1049h"))
        said.clear()
        piped.stdin.write(b"\x1b[8;10;12t")
        piped.stdin.flush()
        self.until(lambda: says("\x1b[1mlistening t…".encode()), "it fits", show=lambda: repr(said))
        piped.stdin.write(b"q")
        piped.stdin.flush()
        self.until(lambda: piped.poll() is not None, "q ends it")
        self.assertTrue(says(b"\x1b[?25h\x1b[?1049l"))
        self.assertEqual(piped.returncode, 0)


def stat(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]
