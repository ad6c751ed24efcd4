"""SIGHUP: what a running node takes up without a restart: configuration, log levels, policy, certificate."""
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

import pytest
import yaml

from deployment import one_node
from node import BINARY, Node, ask, wait_until

pytestmark = one_node("a signal to one process")


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="scoria-hup-"))
    yield path
    shutil.rmtree(path)


def scoria(node, *words, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return subprocess.run([BINARY, *words], env={**kept, "OS_CLIENT_CONFIG_FILE": str(node.folder / "clouds.yaml"), **more}, capture_output=True, text=True, timeout=60)


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.new", "-out", folder / "cert.new"], check=True, capture_output=True)
    (folder / "key.new").rename(folder / "key.pem")
    (folder / "cert.new").rename(folder / "cert.pem")
    return (folder / "cert.pem").read_text().strip()


class SecureNode(Node):
    def answers(self):
        assert self.process.poll() is None, self.log()[-2000:]
        try:
            return self.certificate()
        except OSError:
            return None

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port)).strip()


def test_a_new_certificate_is_served_to_new_connections_and_a_broken_one_is_not(folder):
    node = SecureNode(folder, "DEFAULT.osapi_volume_use_ssl=true", f"ssl.cert_file={folder}/cert.pem", f"ssl.key_file={folder}/key.pem", f"exports.state_directory={folder}/x")
    first = make_certificate(folder, "one")
    with node:
        assert node.certificate() == first
        assert scoria(node, "status", OS_CACERT=str(folder / "cert.pem")).stdout.startswith("Scoria at https://")
        unknown = scoria(node, "status")
        assert unknown.returncode == 8 and "certificate" in unknown.stderr, unknown.stderr
        second = make_certificate(folder, "two")
        assert node.certificate() == first, "nothing changes by itself"
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: node.certificate() == second)
        (folder / "cert.pem").write_text("broken")
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the certificate stays as it was" in node.log())
        assert node.certificate() == second


def test_levels_and_rules_change_and_mistakes_change_nothing(folder):
    config, policy = folder / "scoria.conf", folder / "policy.yaml"
    policy.write_text("{}")
    config.write_text(f"[DEFAULT]\ndebug = false\n[oslo_policy]\npolicy_file = {policy}\n")
    with Node(folder, f"exports.state_directory={folder}/x", "DEFAULT.report_interval=1", files=[config]) as node:
        auth = yaml.safe_load((folder / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
        user = {"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]}
        scope = {"project": {"name": auth["project_name"], "domain": {"name": "Default"}}}
        token = ask("POST", auth["auth_url"] + "/v3/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}).headers["X-Subject-Token"]

        def types():
            return ask("GET", node.url + "/v3/types", X_Auth_Token=token).status
        def told():
            """How many requests the log tells of, after one more."""
            types()
            time.sleep(0.3)
            return node.log().count("GET /v3/types")
        assert types() == 200 and told() > 1

        policy.write_text('"volume_extension:type_get_all": "!"\n')
        config.write_text(config.read_text().replace("debug = false", "log_levels = http=ERROR\nosapi_volume_workers = 3"))
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: types() == 403)
        assert told() == told(), "requests are no longer logged"
        wait_until(lambda: "osapi_volume_workers changed from '32' to '3': it takes a restart to be in force" in node.log())

        policy.write_text("{ no yaml")
        config.write_text("[DEFAULT]\nnonsense = 1\n")
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the configuration stays as it was" in node.log() and "the rules stay as they were" in node.log())
        assert types() == 403
