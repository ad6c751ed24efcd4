"""Tokens of a real Keystone, judged by the real binary."""
import shutil
import time

import pytest

from deployment import TURNS, deployment
from node import ask, wait_until
from real_keystone import RealKeystone

pytestmark = pytest.mark.skipif(shutil.which("keystone-manage") is None, reason="python3-keystone is not installed")

TOKEN_LIFE = 12  # seconds: short, so that expiry and the renewal of Scoria's own token are seen
CACHE_TIME = 2


@pytest.fixture(scope="module")
def keystone(tmp_path_factory):
    server = RealKeystone(tmp_path_factory.mktemp("keystone"), TOKEN_LIFE).start()
    server.add_user("scoria", "admin", "service")
    server.add_user("ann", "member")
    server.add_user("bob", "reader")
    yield server
    server.stop()


def settings(keystone, *more):
    return ["DEFAULT.auth_strategy=keystone", f"keystone_authtoken.auth_url={keystone.url}", "keystone_authtoken.username=scoria",
            "keystone_authtoken.password=pass", "keystone_authtoken.project_name=scoria", f"keystone_authtoken.token_cache_time={CACHE_TIME}", *more]


@pytest.fixture(scope="module")
def node(keystone, tmp_path_factory):
    with deployment(tmp_path_factory.mktemp("scoria"), *settings(keystone)) as running:
        yield running


def knock(node, token, service=None, project=None):
    """The status of asking for a volume that does not exist: 404 for whoever is let in."""
    headers = {"X_Auth_Token": token} if token else {}
    if service:
        headers["X_Service_Token"] = service
    path = f"/v3/{project}/volumes" if project else "/v3/volumes"
    return ask("GET", f"{node.url}{path}/00000000-0000-4000-8000-000000000000", **headers)


def test_a_valid_token_is_let_in_and_says_who_asks(node, keystone):
    token, body = keystone.log_in("ann", "pass")
    project = body["project"]["id"]
    assert knock(node, token).status == 404
    assert knock(node, token, project=project).status == 404
    wait_until(lambda: f"project={project} user={body['user']['id']}" in node.log())
    assert token not in node.log()


def test_no_token_a_bad_token_and_a_foreign_project_are_not(node, keystone):
    token, _ = keystone.log_in("ann", "pass")
    for bad in (None, "gAAAAABbad", token[:-4] + "AAAA", "ä" * 10):
        reply = knock(node, bad.encode().decode("latin-1") if bad else bad)
        assert reply.status == 401, bad
        assert reply.headers["WWW-Authenticate"] == f'Keystone uri="{keystone.url}"'
    assert knock(node, token, project="0" * 32).status == 400


def test_roles_come_from_keystone(node, keystone):
    body = {"volume": {"size": 1}}
    member, reader = keystone.log_in("ann", "pass")[0], keystone.log_in("bob", "pass")[0]
    assert ask("POST", node.url + "/v3/volumes", body, X_Auth_Token=member).status == 202
    assert ask("POST", node.url + "/v3/volumes", body, X_Auth_Token=reader).status == 403
    admin = keystone.log_in("admin", keystone.password)[0]
    assert ask("POST", node.url + "/v3/volumes", body, X_Auth_Token=admin).status == 202


def test_system_and_domain_scope_are_known(node, keystone):
    admin = keystone.password
    system = keystone.log_in("admin", admin, system={"all": True})[0]
    assert knock(node, system).status in (400, 403, 404)  # known, but without a project
    keystone.admin("PUT", "/domains/default/users/{}/roles/{}".format(keystone.admin("GET", "/users?name=admin")["users"][0]["id"],
                                                                      keystone.admin("GET", "/roles?name=admin")["roles"][0]["id"]))
    domain = keystone.log_in("admin", admin, domain={"id": "default"})[0]
    assert knock(node, domain).status in (400, 403, 404)


def test_a_revoked_token_is_refused_once_the_cache_forgot_it(node, keystone):
    token, _ = keystone.log_in("ann", "pass")
    assert knock(node, token).status == 404
    reply = ask("DELETE", keystone.url + "/auth/tokens", X_Auth_Token=token, X_Subject_Token=token)
    assert reply.status == 204
    wait_until(lambda: knock(node, token).status == 401, CACHE_TIME + 5)


def test_an_expired_token_needs_a_service_token_beside_it(node, keystone):
    token, _ = keystone.log_in("ann", "pass")
    assert knock(node, token).status == 404
    wait_until(lambda: knock(node, token).status == 401, TOKEN_LIFE + CACHE_TIME + 10, 0.5)
    service = keystone.log_in("scoria", "pass")[0]
    assert knock(node, token, service).status == 404
    member = keystone.log_in("ann", "pass")[0]
    assert knock(node, token, member).status == 401
    assert knock(node, member, "gAAAAABbad").status == 401
    # By now Scoria's own token has expired as well: it was renewed without anybody noticing.
    assert knock(node, member).status == 404


def test_a_service_token_without_the_role_can_be_refused(node, keystone, tmp_path):
    with deployment(tmp_path, *settings(keystone, "keystone_authtoken.service_token_roles_required=true")) as strict:
        token = keystone.log_in("ann", "pass")[0]
        assert knock(node, token, token).status == 404
        assert knock(strict, token, token).status == 401
        assert knock(strict, token, keystone.log_in("scoria", "pass")[0]).status == 404


def test_a_wrong_password_of_scorias_own_is_told_in_the_log(keystone, tmp_path):
    with deployment(tmp_path, *settings(keystone, "keystone_authtoken.password=wrong")) as misconfigured:
        reply = knock(misconfigured, keystone.log_in("ann", "pass")[0])
        assert reply.status == 503
        wait_until(lambda: "refuses Scoria's own user 'scoria'" in misconfigured.log())


def test_keystone_away_is_503_and_back_is_well_again(node, keystone):
    known, unknown = keystone.log_in("ann", "pass")[0], keystone.log_in("bob", "pass")[0]
    assert [knock(node, known).status for _ in range(TURNS)] == [404] * TURNS  # each node knows it
    keystone.stop()
    try:
        assert knock(node, known).status == 404
        start = time.monotonic()
        reply = knock(node, unknown)
        assert reply.status == 503 and reply.headers["Retry-After"] == "1"
        assert "the identity service cannot be asked now" in reply.body.decode()
        assert time.monotonic() - start < 5
    finally:
        keystone.start()
    assert knock(node, keystone.log_in("bob", "pass")[0]).status == 404
