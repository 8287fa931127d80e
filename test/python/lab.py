"""Hosts that are network namespaces, each with eth0 on one switch, a bridge in a namespace of its own. Named after
this process, and removed at the end with all that runs in them."""
import contextlib
import ctypes
import os
import re
import subprocess
from dataclasses import dataclass

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments, text=None):
    done = subprocess.run(["ip", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()} (run bin/test, or as root on Linux)")
    return done.stdout


@contextlib.contextmanager
def inside(netns):
    """What is opened in here belongs to that namespace."""
    def enter(path):
        with open(path, "rb") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {path}")

    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(f"/run/netns/{netns}")
        yield
    finally:
        back = libc.setns(home, CLONE_NEWNET)
        os.close(home)
        assert back == 0


@dataclass(frozen=True)
class Host:
    number: int
    netns: str
    ip: str


class Lab:
    count = 0

    def __init__(self, hosts):
        Lab.count += 1
        remove_leftovers()
        self.id = f"gcpy-{os.getpid()}-{Lab.count}"
        self.switch = f"{self.id}-switch"
        self.hosts = [Host(n, f"{self.id}-h{n}", f"10.78.0.{n}") for n in range(1, hosts + 1)]
        try:
            ip("netns", "add", self.switch)
            ip("-n", self.switch, "-batch", "-", text="link add br0 type bridge\nlink set br0 up\n")
            for host in self.hosts:
                self.plug_in(host)
        except BaseException:
            self.close()
            raise

    def plug_in(self, host):
        ip("netns", "add", host.netns)
        with inside(host.netns), open("/proc/sys/net/ipv6/conf/default/accept_dad", "w", encoding="ascii") as file:
            file.write("0")  # addresses of IPv6 may be used at once
        ip("-n", self.switch, "-batch", "-", text=f"""
            link add p{host.number} type veth peer name eth0 netns {host.netns}
            link set p{host.number} master br0 up\n""")
        ip("-n", host.netns, "-batch", "-", text=f"""
            address add {host.ip}/24 dev eth0
            link set lo up
            link set eth0 up\n""")

    def second_link(self):
        """Each host gets eth1, on a switch of its own: 10.79.0.n."""
        ip("-n", self.switch, "-batch", "-", text="link add br1 type bridge\nlink set br1 up\n")
        for host in self.hosts:
            ip("-n", self.switch, "-batch", "-", text=f"""
                link add q{host.number} type veth peer name eth1 netns {host.netns}
                link set q{host.number} master br1 up\n""")
            ip("-n", host.netns, "-batch", "-", text=f"""
                address add {self.second_ip(host)}/24 dev eth1
                link set eth1 up\n""")

    @staticmethod
    def second_ip(host):
        return f"10.79.0.{host.number}"

    def __getitem__(self, number):
        return self.hosts[number - 1]

    def link_local(self, host):
        """Its IPv6 address, which the kernel gives a moment after the carrier; None: not yet."""
        found = re.search(r"inet6 (fe80::\S+)/64 scope link", ip("-n", host.netns, "-6", "address", "show", "dev", "eth0"))
        return found and found[1]

    def cut(self, host, link=0):
        """It stays up, and what it sends goes nowhere."""
        ip("-n", self.switch, "link", "set", f"{'pq'[link]}{host.number}", "nomaster")

    def heal(self, host, link=0):
        ip("-n", self.switch, "link", "set", f"{'pq'[link]}{host.number}", "master", f"br{link}")

    def close(self):
        names = [host.netns for host in self.hosts] + [self.switch]
        remove(names)


def nft(host, rules):
    subprocess.run(["ip", "netns", "exec", host.netns, "nft", "-f", "-"], input=rules, text=True, check=True)


def dropped(host, table="lab", family="ip"):
    """How many packets the rules of a table have counted."""
    rules = subprocess.run(["ip", "netns", "exec", host.netns, "nft", "list", "table", family, table],
                           capture_output=True, text=True, check=True).stdout
    return sum(map(int, re.findall(r"packets (\d+)", rules)))


def remove(names):
    for name in names:
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
        for pid in pids.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def remove_leftovers():
    """Of runs that were killed: their process is no more."""
    names = [line.split()[0] for line in ip("netns", "list").splitlines() if line]
    remove([n for n in names if (m := re.match(r"gcpy-(\d+)-", n)) and not os.path.exists(f"/proc/{m[1]}")])
