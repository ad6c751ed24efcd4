"""What is done to a fleet: each nemesis strikes, is healed, and says what must come of it.

`strike()` returns a Strike: whom it hit, and what is measured: `died` (a process ended: its work is to be resumed within 1.5 s),
`silent` (it says nothing for longer than its lease: within 5 s), or neither."""
import signal
import time

LEASE = 4.0


class Strike:
    def __init__(self, kind, nodes=(), died=False, silent=False, seconds=0.0, cut=False):
        self.kind, self.nodes, self.died, self.silent, self.seconds = kind, list(nodes), died, silent, seconds
        self.at, self.fences = time.time(), died or silent or (cut and seconds > LEASE - 1.5)  # with a beat in between, fencing would be false


class Nemesis:
    kind = ""        # what the ledger counts it as: kill, pause, partition, failover, other
    hits_all = False  # nodes may miss their beats together
    several = False  # needs several nodes and a database that is a machine
    wants = "nodes"  # what it calls of the database

    def __init__(self, fleet, random, longest):
        self.fleet, self.random, self.longest = fleet, random, longest
        self.victims = []

    def seconds(self, least, most):
        return self.random.uniform(least, max(least, min(most, self.longest)))

    def some(self, count=1):
        """A node at work if there is one soon (a strike at an idle one shows little), and others."""
        end = time.monotonic() + 1
        while not (busy := self.fleet.busy()) and time.monotonic() < end:
            time.sleep(0.05)
        order = self.random.sample(self.fleet.nodes, len(self.fleet.nodes))
        first = next((node for node in order if node in busy), order[0])
        self.victims = [first, *(node for node in order if node is not first)][:count]
        return self.victims

    def one(self):
        return self.some()[0]

    def strike(self):
        raise NotImplementedError

    def heal(self):
        pass


class Kill(Nemesis):
    """kill -9: resumed by others with p99 < 1.5 s"""
    kind = "kill"

    def strike(self):
        node = self.one()
        self.fleet.keep_down(node, self)
        out = Strike(self.kind, [node], died=True, seconds=self.seconds(0, 1.5))
        out.at = node.kill()
        return out

    def heal(self):
        for node in self.victims:
            node.start()  # before the supervisor may
            self.fleet.let_up(node)


class Memory(Nemesis):
    """The kernel kills it for its memory (a memory cgroup): as kill -9"""
    kind = "kill"

    def strike(self):
        node = self.one()
        self.fleet.keep_down(node, self)
        end = time.monotonic() + 3
        while node.process.poll() is None and time.monotonic() < end:
            try:
                used = int((node.group / "memory.usage_in_bytes").read_text())
                (node.group / "memory.limit_in_bytes").write_text(str(used // 2))
            except OSError:  # busy: it cannot give back so much; but it gets no more
                pass
            time.sleep(0.01)
        out = Strike(self.kind, [node], died=True, seconds=self.seconds(0, 1.5))
        if node.process.poll() is None:  # it asked for no page in all that time
            out.at = node.kill()
        return out

    def heal(self):
        for node in self.victims:
            (node.group / "memory.limit_in_bytes").write_text("-1")
            node.start()  # before the supervisor may
            self.fleet.let_up(node)


class Pause(Nemesis):
    """SIGSTOP for 0.1 to 30 s: longer than its lease, others take over with p99 < 5 s and the ghost is refused on waking"""
    kind = "pause"

    def strike(self):
        node = self.one()
        seconds = self.seconds(0.1, 30)
        self.fleet.keep_down(node, self)
        out = Strike(self.kind, [node], silent=seconds > LEASE + 1.5, seconds=seconds, cut=True)
        node.process.send_signal(signal.SIGSTOP)
        return out

    def heal(self):
        for node in self.victims:
            node.process.send_signal(signal.SIGCONT)
            self.fleet.let_up(node)


class Off(Nemesis):
    """A machine loses its power: no FIN, no beacon is released; p99 < 5 s"""
    kind = "kill"
    several = True

    def strike(self):
        node = self.one()
        self.fleet.keep_down(node, self)
        out = Strike(self.kind, [node], silent=True, seconds=self.seconds(LEASE + 2, 10))
        node.machine.cable(False)
        node.kill()
        return out

    def heal(self):
        for node in self.victims:
            node.machine.cable(True)
            node.start()  # before the supervisor may
            self.fleet.let_up(node)


class Partition(Nemesis):
    """Packets are dropped between nodes and the database or the storage: no double commit; the cut node answers 503"""
    kind = "partition"
    several = True
    from_database, one_way, count = True, False, 1

    def others(self):
        if not self.from_database:
            return [self.fleet.array.host]
        return self.fleet.database.hosts

    def strike(self):
        seconds = self.seconds(1, 12)
        for node in self.some(self.count):
            others = self.others()
            if self.fleet.relay and self.from_database and node is self.fleet.nodes[-1]:  # its way to the database begins at the relay
                self.fleet.relay.say("stall")
            way = self.random.choice([{"hears": True}, {"speaks": True}]) if self.one_way else {}
            node.machine.cut(*others, **way)
        return Strike(self.kind, self.victims, silent=self.from_database and not self.one_way and self.count == 1 and seconds > LEASE + 1.5,
                      seconds=seconds, cut=self.from_database)

    def heal(self):
        for node in self.victims:
            node.machine.mend()
        if self.fleet.relay:
            self.fleet.relay.say("go")


class PartitionDatabase(Partition):
    pass


class PartitionOneWay(Partition):
    one_way = True


class PartitionBackend(Partition):
    from_database = False


class PartitionHalves(Partition):
    """Two of three are cut off together: who is left waits a second lease before it believes that"""
    hits_all = True
    count = 2


class Flap(Partition):
    """A way that comes and goes"""

    def strike(self):
        self.victims = [self.random.choice(self.fleet.nodes[:-1])]
        begun, seconds = time.time(), self.seconds(2, 8)
        while time.time() < begun + seconds:
            self.victims[0].machine.cut(*self.fleet.database.hosts)
            time.sleep(self.random.uniform(0.05, 0.4))
            self.victims[0].machine.mend()
            time.sleep(self.random.uniform(0.05, 0.6))
        return Strike(self.kind, self.victims)


class SlowLink(Nemesis):
    """Each packet to and from the database takes 50 to 300 ms"""
    hits_all = True
    kind = "other"
    several = True

    def strike(self):
        self.fleet.relay.say(f"delay {self.random.uniform(25, 150):.0f}")
        return Strike(self.kind, self.fleet.nodes[-1:], seconds=self.seconds(2, 15))

    def heal(self):
        self.fleet.relay.say("delay 0")


class LostLinks(Nemesis):
    """All connections to the database are reset at once: nobody is fenced for it"""
    hits_all = True
    kind = "other"
    several = True

    def strike(self):
        self.fleet.relay.say("reset")
        return Strike(self.kind, self.fleet.nodes[-1:], seconds=1)


class DatabaseRestart(Nemesis):
    """The server that writes ends and comes back: a pause, then all goes on; nothing is lost"""
    hits_all = True
    kind = "failover"
    several = True
    most = 6  # seconds

    def strike(self):
        self.hit = self.fleet.running() > 0  # before: nobody can be asked meanwhile
        out = Strike(self.kind, seconds=self.seconds(0.2, self.most))
        self.strike_server(self.fleet.database.writer())
        return out

    def strike_server(self, server):
        server.signal(self.random.choice(self.fleet.database.signals))

    def heal(self):
        self.fleet.database.recover()


class DatabaseKill(DatabaseRestart):
    """kill -9 of its first process"""

    def strike_server(self, server):
        server.signal(signal.SIGKILL)


class DatabaseOff(DatabaseRestart):
    """Its machine loses its power: no FIN"""
    most = 30

    def strike_server(self, server):
        server.lose_power()


class Failover(DatabaseRestart):
    """The primary dies, or its machine without a word; the synchronous standby is promoted, the old primary comes back as the standby:
    nothing that was answered is lost"""
    wants = "promote"

    def strike_server(self, server):
        self.random.choice([server.kill, server.lose_power])()
        time.sleep(self.random.uniform(0, 2))
        self.fleet.database.promote()


class Minority(DatabaseRestart):
    """Galera's writing server is cut off from the other two, not from the nodes: it commits nothing, the others go on"""
    wants = "minority"

    def strike(self):
        self.hit = self.fleet.running() > 0
        seconds = self.seconds(3, 15)
        alone, others = self.fleet.database.minority()
        out = Strike(self.kind, seconds=seconds)
        while (left := out.at + seconds - time.time()) > 0:
            if alone.commits(left):
                raise RuntimeError(f"{alone.host.name} commits alone")
            time.sleep(0.2)
        if seconds > 10 and not others[0].commits(5):
            raise RuntimeError(f"{others[0].host.name}, one of two of three, commits nothing")
        return out


class DatabaseReadOnly(Nemesis):
    """What an administrator or a failing standby does: refused with 503, then all goes on"""
    hits_all = True
    kind = "other"
    several = True

    def strike(self):
        self.fleet.database.read_only(True)
        return Strike(self.kind, seconds=self.seconds(1, 6))

    def heal(self):
        self.fleet.database.read_only(False)


class DatabaseFull(Nemesis):
    """The server has no connections left for new sessions, and those of one node are reset: it is a node without a database"""
    hits_all = True
    kind = "other"
    several = True

    def strike(self):
        self.fleet.database.limit_connections(1)
        self.fleet.relay.say("reset")
        seconds = self.seconds(1, 6)
        return Strike(self.kind, self.fleet.nodes[-1:], seconds=seconds, cut=True)

    def heal(self):
        self.fleet.database.limit_connections(None)


class DiskFull(Nemesis):
    """The disk of the database is full: 503 until there is room, and nothing that was accepted is lost"""
    hits_all = True
    kind = "other"

    def strike(self):
        out = Strike(self.kind, seconds=self.seconds(1, 5))
        self.fleet.database.writer().disk.fill()
        return out

    def heal(self):
        self.fleet.database.recover()


class LogFull(Nemesis):
    """The disk of the logs is full: nobody notices"""
    kind = "other"

    def strike(self):
        self.fleet.logs.fill()
        return Strike(self.kind, seconds=self.seconds(1, 5))

    def heal(self):
        self.fleet.logs.empty()


class Clock(Nemesis):
    """A node's wall clock jumps by up to an hour: no effect, only the database's clock counts; that of the embedded default does not
    follow jumps"""
    kind = "other"

    def strike(self):
        self.fleet.nodes[0].clock.write_text(f"{self.random.choice([-3600, -61, 61, 3600]):+d}")
        return Strike(self.kind, self.fleet.nodes[:1], seconds=self.seconds(2, 8))

    def heal(self):
        self.fleet.nodes[0].clock.write_text("+0")


class Backend(Nemesis):
    """The storage fails, answers late or not at all, does things twice, lists what is old: tried again, nothing leaks"""
    kind = "other"

    def strike(self):
        some = self.random.sample(["error", "lost_reply", "delayed", "partial", "twice", "stale_list", "partial_list"], 4)
        self.fleet.array.faults({**{one: self.random.randint(30, 200) for one in some}, "hang": self.random.choice([0, 40]), "delay_s": 4})
        return Strike(self.kind, seconds=self.seconds(3, 10))

    def heal(self):
        self.fleet.array.faults({})


class RollingRestart(Nemesis):
    """Every node is asked to end, one after the other: it hands over its work and comes back"""
    hits_all = True
    kind = "other"

    def strike(self):
        for node in self.fleet.nodes:
            node.wait_for_answer()
            self.fleet.keep_down(node, self)
            code = node.stop()
            if code != 0:
                raise RuntimeError(f"{node.name} ended with {code} on SIGTERM")
            node.start()
            self.fleet.let_up(node)
            node.wait_for_answer()
        return Strike(self.kind)


ALL = {"kill": Kill, "memory": Memory, "pause": Pause, "off": Off, "partition-database": PartitionDatabase, "partition-one-way": PartitionOneWay,
       "partition-backend": PartitionBackend, "partition-halves": PartitionHalves, "flap": Flap, "slow-link": SlowLink, "lost-links": LostLinks,
       "database-restart": DatabaseRestart, "database-kill": DatabaseKill, "database-off": DatabaseOff, "failover": Failover, "minority": Minority,
       "database-read-only": DatabaseReadOnly, "database-connections": DatabaseFull, "disk-full": DiskFull, "log-full": LogFull, "clock": Clock,
       "backend": Backend, "rolling-restart": RollingRestart}


def possible(name, fleet):
    kind = ALL[name]
    if (kind.several and fleet.database.nodes < 3) or not hasattr(fleet.database, kind.wants):
        return False
    return hasattr(fleet.nodes[0], {"memory": "group", "clock": "clock"}.get(name, "name"))
