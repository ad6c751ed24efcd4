"""Stock clients log in with what the first start wrote, and keep users, projects and roles."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile

import pytest
import yaml

from deployment import TURNS, deployment, one_node
from node import Node, ask, wait_until

pytestmark = pytest.mark.skipif(shutil.which("openstack") is None, reason="python3-openstackclient is not installed")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with deployment(tmp_path_factory.mktemp("scoria")) as running:
        yield running


@pytest.fixture(scope="module")
def auth(node):
    return yaml.safe_load((node.folder / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {**kept, **more}


def run(command, environment, expect=0):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == expect, done.stderr + done.stdout
    return done.stdout if expect == 0 else done.stderr


def openstack(node, *words, expect=0, **environment):
    """Through clouds.yaml, unless the test says who asks. Answers as JSON where the command has any."""
    environment = environment or {"OS_CLIENT_CONFIG_FILE": str(node.folder / "clouds.yaml"), "OS_CLOUD": "scoria"}
    verb_without_output = {"set", "delete", "add", "remove", "revoke"}
    format_ = [] if expect or verb_without_output & set(words[:3]) else ["-f", "json"]
    out = run(["openstack", *words, *format_], clean_environment(**environment), expect)
    return json.loads(out) if format_ else out


def as_user(auth, name, password, project):
    return dict(OS_AUTH_URL=auth["auth_url"], OS_USERNAME=name, OS_PASSWORD=password, OS_PROJECT_NAME=project, OS_USER_DOMAIN_NAME="Default",
                OS_PROJECT_DOMAIN_NAME="Default")


@one_node("what the first start of a process writes for its machine")
def test_the_first_start_writes_the_way_in_for_its_owner_alone(node, auth):
    assert stat.S_IMODE(os.stat(node.folder / "clouds.yaml").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(node.folder / "scoria.sqlite").st_mode) == 0o600
    assert len(auth["password"]) == 32
    assert auth["password"] not in (node.folder / "out").read_text() + node.log()
    wait_until(lambda: "export OS_CLIENT_CONFIG_FILE=" in (node.folder / "out").read_text())


def test_openstack_logs_in_and_finds_the_block_storage_service(node, auth):
    token = openstack(node, "token", "issue")
    types = {row["Type"] for row in openstack(node, "catalog", "list")}
    assert types == {"volumev3", "block-storage", "identity", "image"}
    versions = openstack(node, "versions", "show", "--service", "block-storage")
    assert versions[0]["Max Microversion"] == "3.71"
    # With a service of its own kind: a token from Keystone v3 without the CLI's help.
    shown = ask("GET", auth["auth_url"] + "/v3/auth/tokens", X_Auth_Token=token["id"], X_Subject_Token=token["id"])
    assert shown.json()["token"]["user"]["name"] == "admin"
    openstack(node, "token", "revoke", token["id"])
    wait_until(lambda: ask("GET", f"{node.url}/v3/volumes/x", X_Auth_Token=token["id"]).status == 401, 0 if TURNS == 1 else 12)  # others hear of it soon


def test_users_projects_and_roles_are_kept(node, auth):
    project = openstack(node, "project", "create", "lab", "--description", "A lab")
    openstack(node, "user", "create", "ann", "--password", "ann's pass", "--project", "lab", "--email", "ann@example.org")
    assert "HTTP 409" in openstack(node, "user", "create", "ann", expect=1)
    openstack(node, "role", "add", "--user", "ann", "--project", "lab", "member")
    rows = openstack(node, "role", "assignment", "list", "--names", "--user", "ann", "--project", "lab")
    assert [(row["Role"], row["User"], row["Project"]) for row in rows] == [("member", "ann@Default", "lab@Default")]
    ann = as_user(auth, "ann", "ann's pass", "lab")
    assert openstack(node, "token", "issue", **ann)["project_id"] == project["id"]
    assert "admin" in openstack(node, "user", "list", expect=1, **ann)
    openstack(node, "user", "set", "ann", "--password", "another pass")
    assert "HTTP 401" in openstack(node, "token", "issue", expect=1, **ann)
    ann["OS_PASSWORD"] = "another pass"
    run(["openstack", "user", "password", "set", "--password", "own pass", "--original-password", "another pass"], clean_environment(**ann))
    ann["OS_PASSWORD"] = "own pass"
    assert openstack(node, "project", "list", "--my-projects", **ann)[0]["Name"] == "lab"
    openstack(node, "role", "remove", "--user", "ann", "--project", "lab", "member")
    assert "HTTP 401" in openstack(node, "token", "issue", expect=1, **ann)
    openstack(node, "user", "delete", "ann")
    openstack(node, "project", "set", "lab", "--disable")
    assert openstack(node, "project", "show", "lab")["enabled"] is False
    openstack(node, "project", "delete", "lab")
    assert [row["Name"] for row in openstack(node, "project", "list")] == ["admin"]


def test_cinder_logs_in_by_the_environment(node, auth):
    admin = clean_environment(**as_user(auth, "admin", auth["password"], "admin"))
    assert "3.71" in run(["cinder", "--os-volume-api-version", "3.60", "version-list"], admin)


def test_a_wrong_password_is_refused_and_guessing_slowed_down(node, auth):
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "guess", "domain": {"id": "default"}, "password": "x"}}}}}
    answers = []
    while not answers or answers[-1].status == 401:
        answers.append(ask("POST", auth["auth_url"] + "/v3/auth/tokens", body))
        assert len(answers) < (7 if TURNS == 1 else 12 * TURNS)  # each node counts what it is asked; a turn may take as long as it waits at first
    assert len(answers) > 5 * TURNS and answers[-1].status == 429
    assert answers[0].json()["error"]["title"] == "Unauthorized"
    assert answers[-1].headers["Retry-After"] == "1"


@one_node("a signal to one process")
def test_rules_are_read_again_on_sighup(tmp_path):
    rules = tmp_path / "policy.yaml"
    rules.write_text('"volume:get_all": "role:admin"\n')
    with Node(tmp_path, f"oslo_policy.policy_file={rules}") as node:
        auth = yaml.safe_load((tmp_path / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
        identity = {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"id": "default"}, "password": auth["password"]}}}
        token = ask("POST", auth["auth_url"] + "/v3/auth/tokens", {"auth": {"identity": identity}}).headers["X-Subject-Token"]

        def volumes():
            return ask("GET", node.url + "/v3/volumes", X_Auth_Token=token).status

        def read_again(text):
            rules.write_text(text)
            node.process.send_signal(signal.SIGHUP)

        assert volumes() == 200
        read_again('"volume:get_all": "!"\n')
        wait_until(lambda: volumes() == 403)
        read_again('"volume:get_all": "role:admin and"\n')
        wait_until(lambda: "the rules stay as they were" in node.log())
        assert volumes() == 403
        read_again("")
        wait_until(lambda: volumes() == 200)


def test_a_restart_keeps_users_and_tokens(node, auth):
    token = openstack(node, "token", "issue")["id"]
    before = (node.folder / "clouds.yaml").read_text()
    node.stop()
    node.start()
    assert (node.folder / "clouds.yaml").read_text() == before
    assert ask("GET", auth["auth_url"] + "/v3/auth/projects", X_Auth_Token=token).status == 200


@one_node("what the first start of a process writes for its machine")
def test_the_first_start_makes_its_own_directories():
    with tempfile.TemporaryDirectory(prefix="scoria-first-") as folder:
        log = pathlib.Path(folder)
        node = Node(log, f"DEFAULT.state_path={folder}/not/yet/there")
        with node:
            assert (log / "not/yet/there/clouds.yaml").stat().st_mode & 0o077 == 0
            assert (log / "not/yet/there/volumes").is_dir()
