"""Databases under the nodes, as layouts by name: how nodes reach them, how a checker reads them, and what can be done to them."""
from cluster import Sqlite
from mariadb_layouts import Galera, OneMariadb
from net import SmallDisk
from postgres_layouts import OnePostgres, Pair


class Embedded:
    """SQLite in the one node's directory."""

    nodes, hosts = 1, []

    def __init__(self, directory, network):
        self.disk, self.path = SmallDisk(directory / "n1", 256), directory / "n1/scoria.sqlite"

    def writer(self):
        return self

    def url(self, places):
        return ""

    def reader(self):
        return Sqlite(self.path)

    def recover(self):
        self.disk.empty()

    def end(self):
        self.disk.end()


LAYOUTS = {"sqlite": Embedded, "postgres": OnePostgres, "pair": Pair, "mariadb": OneMariadb, "galera": Galera}
