"""One walk for every client: how Scoria's own, `openstack` and `cinder` are told to do the same things."""
import json
import os
import socket
import subprocess

import yaml

from node import wait_until


INITIATOR = "iqn.2026-01.org.example:walker"


class Client:
    def __init__(self, node, binary):
        self.node, self.binary = node, str(binary)

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        auth = yaml.safe_load((self.node.folder / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
        # cinder reads no clouds.yaml.
        named = {f"OS_{key.upper()}": str(value) for key, value in auth.items()}
        return {**kept, **named, "OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne", "OS_VOLUME_API_VERSION": "3.70"}

    def run(self, program, *words):
        done = subprocess.run([program, *map(str, words)], env=self.environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{program} {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    # What stock clients cannot say: wait until it is done; give me a loop device, or a URI that qemu understands.
    def own(self, *words):
        return self.run(self.binary, *words)

    def settled(self, kind, name, status="available"):
        def seen():
            return json.loads(self.own(kind, "show", name, "-o", "json"))
        wait_until(lambda: seen()["status"] == status, seconds=60)
        return seen()

    def gone(self, kind, name):
        wait_until(lambda: name not in self.own(kind, "list", "-o", "value", "-c", "name").split())

    def attach(self, volume):
        return volume, self.own("attach", volume).strip()

    def detach(self, attachment):
        self.own("detach", attachment)

    def attach_nbd(self, volume):
        return self.own("attach", volume, "--transport", "nbd+unix").strip()

    def detach_nbd(self, volume):
        self.own("detach", volume)


class Own(Client):
    def create(self, name, gib):
        self.own("volume", "create", name, "--size", f"{gib}G", "--wait")

    def from_snapshot(self, name, snapshot, gib):
        self.own("volume", "create", name, "--snapshot", snapshot, "--size", f"{gib}G", "--wait")

    def clone(self, name, volume):
        self.own("volume", "create", name, "--source", volume, "--wait")

    def snapshot(self, volume, name):
        self.own("snapshot", "create", volume, "--name", name, "--wait")

    def extend(self, volume, gib):
        self.own("volume", "extend", volume, f"{gib}G", "--wait")

    def revert(self, volume, snapshot):
        self.own("volume", "revert", volume, snapshot, "--wait")

    def delete_snapshot(self, name):
        self.own("snapshot", "delete", name, "--wait")

    def delete(self, name):
        self.own("volume", "delete", name, "--wait")


class Cinder(Client):
    def cinder(self, *words):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in self.run("/usr/bin/cinder", *words).splitlines() if line.startswith("|")]
        return {row[0]: row[1] for row in rows if len(row) == 2}

    def create(self, name, gib):
        assert self.cinder("create", "--name", name, gib)["name"] == name
        self.settled("volume", name)

    def from_snapshot(self, name, snapshot, gib):
        self.cinder("create", "--name", name, "--snapshot-id", self.settled("snapshot", snapshot)["id"], gib)
        self.settled("volume", name)

    def clone(self, name, volume):
        source = self.settled("volume", volume)
        self.cinder("create", "--name", name, "--source-volid", source["id"], source["size"])
        self.settled("volume", name)

    def snapshot(self, volume, name):
        self.cinder("snapshot-create", "--name", name, volume)
        self.settled("snapshot", name)

    def extend(self, volume, gib):
        self.cinder("extend", volume, gib)
        self.settled("volume", volume)

    def revert(self, volume, snapshot):
        self.cinder("revert-to-snapshot", snapshot)
        self.settled("volume", volume)

    def attach_iscsi(self, volume):
        """As Nova's hosts do: the attachment, and QEMU's description of the disk."""
        made = self.cinder("attachment-create", "--connect", "True", "--host", socket.gethostname(), "--initiator", INITIATOR, self.settled("volume", volume)["id"])
        attachment = made.get("id") or made["ID"]
        self.cinder("attachment-complete", attachment)
        return attachment, {"driver": "raw", "file": {"driver": "iscsi", "transport": "tcp", "portal": made["target_portal"], "target": made["target_iqn"],
                                                      "lun": int(made["target_lun"]), "user": made["auth_username"], "initiator-name": INITIATOR,
                                                      "password-secret": "s"}}, made["auth_password"]

    def detach_iscsi(self, attachment):
        self.run("/usr/bin/cinder", "attachment-delete", attachment)

    def delete_snapshot(self, name):
        self.cinder("snapshot-delete", name)
        self.gone("snapshot", name)

    def delete(self, name):
        self.cinder("delete", name)
        self.gone("volume", name)


class Openstack(Cinder):
    """What openstack cannot do without Nova or not at all, attaching and reverting, cinder does."""

    def environment(self):
        # Debian's client sends what versions from 3.66 on refuse.
        return {**super().environment(), "OS_VOLUME_API_VERSION": "3.50"}

    def openstack(self, *words):
        return self.run("/usr/bin/openstack", *words)

    def create(self, name, gib):
        assert json.loads(self.openstack("volume", "create", "--size", gib, name, "-f", "json"))["name"] == name
        self.settled("volume", name)

    def from_snapshot(self, name, snapshot, gib):
        self.openstack("volume", "create", "--snapshot", snapshot, "--size", gib, name)
        self.settled("volume", name)

    def clone(self, name, volume):
        self.openstack("volume", "create", "--source", volume, name)
        self.settled("volume", name)

    def snapshot(self, volume, name):
        self.openstack("volume", "snapshot", "create", "--volume", volume, name)
        self.settled("snapshot", name)

    def extend(self, volume, gib):
        self.openstack("volume", "set", "--size", gib, volume)
        self.settled("volume", volume)

    def delete_snapshot(self, name):
        self.openstack("volume", "snapshot", "delete", name)
        self.gone("snapshot", name)

    def delete(self, name):
        self.openstack("volume", "delete", name)
        self.gone("volume", name)
