"""What administrators do around volumes, with stock clients: types, quotas, services, pools, log levels; and what users are told."""
import json
import os
import shutil
import subprocess

import pytest
import yaml

from deployment import deployment
from node import ask, wait_until

pytestmark = pytest.mark.skipif(shutil.which("openstack") is None, reason="python3-openstackclient is not installed")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with deployment(tmp_path_factory.mktemp("scoria"), "DEFAULT.report_interval=1") as running:
        yield running


def openstack(node, *words, version="3.70", answer=True):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    environment = {**kept, "OS_CLIENT_CONFIG_FILE": str(node.folder / "clouds.yaml"), "OS_CLOUD": "scoria", "OS_VOLUME_API_VERSION": version}
    done = subprocess.run(["openstack", *words, *(["-f", "json"] if answer else [])], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout) if answer else done.stdout


def cinder(node, *words):
    """The rows of the table that the older client prints."""
    auth = yaml.safe_load((node.folder / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    environment.update({f"OS_{key.upper()}": str(value) for key, value in auth.items()}, OS_IDENTITY_API_VERSION="3", OS_REGION_NAME="RegionOne",
                       OS_VOLUME_API_VERSION="3.70")
    environment.setdefault("OS_PROJECT_DOMAIN_NAME", "Default")
    done = subprocess.run(["cinder", *words], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")]


@pytest.fixture(scope="module")
def call(node):
    """A request of the first start's administrator."""
    token = openstack(node, "token", "issue")["id"]
    return lambda method, path, body=None: ask(method, node.url + "/v3" + path, body, X_Auth_Token=token, OpenStack_API_Version="volume 3.71")


def test_a_type_lives_and_dies(node):
    made = openstack(node, "volume", "type", "create", "--private", "--description", "d", "--property", "tier=gold", "fast")
    openstack(node, "volume", "type", "set", "--property", "more=1", "fast", answer=False)
    shown = openstack(node, "volume", "type", "show", "fast")
    assert shown["id"] == made["id"] and shown["is_public"] is False
    assert shown["properties"] == {"tier": "gold", "more": "1"}
    openstack(node, "volume", "type", "unset", "--property", "more", "fast", answer=False)
    openstack(node, "volume", "type", "set", "--name", "faster", "fast", answer=False)
    assert [row["Name"] for row in openstack(node, "volume", "type", "list", "--private")] == ["faster"]
    assert ["tier", "gold"] in [[word.strip(" '{}") for word in row[-1].split(":")] for row in cinder(node, "extra-specs-list")]
    openstack(node, "volume", "type", "delete", "faster", answer=False)
    assert [row["Name"] for row in openstack(node, "volume", "type", "list")] == ["__DEFAULT__"]


def test_quotas_are_set_and_shown(node):
    project = openstack(node, "token", "issue")["project_id"]
    cinder(node, "quota-update", "--volumes", "7", "--volume-type", "__DEFAULT__", project)
    shown = dict(cinder(node, "quota-update", "--gigabytes", "70", project))
    assert (shown["gigabytes"], shown["volumes"], shown["volumes___DEFAULT__"]) == ("70", "10", "7")
    assert dict(cinder(node, "quota-show", project))["volumes___DEFAULT__"] == "7"
    assert dict(cinder(node, "quota-defaults", project))["gigabytes"] == "1000"
    assert dict(cinder(node, "absolute-limits"))["maxTotalVolumeGigabytes"] == "70"


def test_services_and_pools_are_those_of_this_node(node, call):
    services = wait_until(lambda: [row for row in openstack(node, "volume", "service", "list") if row["State"] == "up"])
    assert {row["Binary"] for row in services} == {"cinder-scheduler", "cinder-volume"}
    host = next(row["Host"] for row in services if row["Binary"] == "cinder-volume")
    openstack(node, "volume", "service", "set", "--disable", "--disable-reason", "paint", host, "cinder-volume", answer=False)
    assert call("GET", "/os-services?binary=cinder-volume").json()["services"][0]["disabled_reason"] == "paint"
    openstack(node, "volume", "service", "set", "--enable", host, "cinder-volume", answer=False)
    pool = dict(cinder(node, "get-pools", "--detail"))
    assert pool["name"].split("@")[1].split("#")[0] == host.split("@")[1] and float(pool["total_capacity_gb"]) > 0
    assert dict(cinder(node, "get-capabilities", pool["name"].split("#")[0])[:12])["pool_name"] == pool["name"].split("#")[1]
    assert openstack(node, "availability", "zone", "list", "--volume")[0]["Zone Name"] == "nova"


def test_log_levels_are_followed_by_the_process(node, call):
    def level():
        told = call("PUT", "/os-services/get-log", {"binary": "cinder-volume", "prefix": "http"}).json()["log_levels"][0]["levels"]
        return told.get("http")

    assert wait_until(level) == "INFO"
    assert call("PUT", "/os-services/set-log", {"binary": "cinder-volume", "prefix": "http", "level": "WARNING"}).status == 202
    wait_until(lambda: level() == "WARNING")


def test_who_asks_for_too_much_is_told_why(node, call):
    project = openstack(node, "token", "issue")["project_id"]
    cinder(node, "quota-update", "--gigabytes", "-1", project)
    volume = call("POST", "/volumes", {"volume": {"size": 99999999}}).json()["volume"]["id"]
    wait_until(lambda: call("GET", f"/volumes/{volume}").json()["volume"]["status"] == "error")
    assert [row for row in cinder(node, "message-list", "--resource_uuid", volume) if volume in row]
    message = call("GET", f"/messages?resource_uuid={volume}").json()["messages"][0]
    assert message["event_id"] == "VOLUME_VOLUME_001_003"
    assert "CapacityFilter" in message["user_message"]
