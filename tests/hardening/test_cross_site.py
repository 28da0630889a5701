"""What other sites make a browser send: refused with cookies, and readable for nobody unnamed."""

import pytest

from tests.unit.host import AUTH, STREAM, Host, assert_error, closing

FRIEND = "https://app.example"
FOREIGN = "https://evil.example"
OURS = "http://localhost"
BODY = {"socket_id": "1.2", "channel_name": "room-1"}
CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": FOREIGN},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
    {"Origin": FOREIGN},
    {"Origin": "null"},
    {"Origin": f"{OURS}:8080"},
    {"Origin": f"{OURS}.evil.example"},
    {"Origin": "http://evil.example/localhost"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "localhost"},
    {"Origin": "http://["},
    {"Origin": "x" * 10_000},
    {"Origin": ""},
]
OUR_OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": OURS},
    {"Origin": OURS},
    {"Origin": "https://localhost"},
]


def name(headers: dict[str, str]) -> str:
    return " ".join(f"{key}={value[:30]}" for key, value in headers.items()) or "nothing"


@pytest.fixture
def host(make_host) -> Host:
    return make_host(NEXORA_RT_ALLOWED_ORIGINS=f"{FRIEND},https://second.example:8443")


@pytest.fixture(params=["stream", "head", "auth", "auth as a form", "alias"])
def send(request, host):
    """Sends a good request to each of our routes: `send(user_id, headers)`."""
    sends = {
        "stream": lambda client, **rest: client.get(f"{STREAM}?channels=room-1", **rest),
        "head": lambda client, **rest: client.head(f"{STREAM}?channels=room-1", **rest),
        "auth": lambda client, **rest: client.post(AUTH, json=BODY, **rest),
        "auth as a form": lambda client, **rest: client.post(AUTH, data=BODY, **rest),
        "alias": lambda client, **rest: client.post("/pusher/auth", data=BODY, **rest),
    }
    answers = []

    def send_as(user_id, headers):
        answers.append(sends[request.param](host.client(user_id), headers=headers))
        return answers[-1]

    yield send_as
    for answer in answers:
        answer.close()


# -- the rule ----------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", CROSS_SITE, ids=name)
def test_another_site_is_refused_with_the_session_cookie(host, send, headers):
    answer = send("alice", headers)

    assert answer.status_code == 403
    assert answer.mimetype == "application/json"
    assert host.asked == []


@pytest.mark.parametrize("headers", CROSS_SITE, ids=name)
def test_another_site_without_a_cookie_is_nobody_in_particular(send, headers):
    assert send(None, headers).status_code == 401


@pytest.mark.parametrize("headers", OUR_OWN, ids=name)
def test_our_own_pages_and_programs_are_served(send, headers):
    assert send("alice", headers).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_foreign_origin_is_refused_whatever_else_is_said(send, site):
    """The contract: Sec-Fetch-Site cross-site or same-site, OR an Origin whose host is not ours."""
    assert send("alice", {"Sec-Fetch-Site": site, "Origin": FOREIGN}).status_code == 403


@pytest.mark.parametrize("site", [None, "cross-site", "same-site"])
@pytest.mark.parametrize("origin", [FRIEND, "https://second.example:8443"])
def test_a_named_origin_is_served(send, site, origin):
    headers = {"Origin": origin} | ({"Sec-Fetch-Site": site} if site else {})

    assert send("alice", headers).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://appxexample",
        "https://second.example",
        f"{FRIEND}/",
        f"{FRIEND},{FOREIGN}",
        f"{FRIEND} {FOREIGN}",
    ],
)
def test_an_origin_that_only_resembles_a_named_one_is_refused(send, origin):
    answer = send("alice", {"Origin": origin, "Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_refusal_says_what_to_do(host):
    answer = host.client("alice").post(AUTH, json=BODY, headers={"Origin": FOREIGN})

    assert_error(answer, 403, "NEXORA_RT_ALLOWED_ORIGINS")


def test_the_hosts_own_name_is_the_one_of_the_request(host):
    client = host.client()
    for base, origin, status in [
        ("http://chat.example:5000", "http://chat.example:5000", 401),
        ("http://chat.example:5000", "http://chat.example", 403),
        ("https://chat.example", "https://chat.example", 401),
        ("https://chat.example", "https://localhost", 403),
    ]:
        client.set_cookie("session", "x", domain="chat.example")
        answer = client.post(AUTH, json=BODY, headers={"Origin": origin}, base_url=base)
        assert answer.status_code == status, (base, origin)


# -- who may read the answer -------------------------------------------------------------------


@pytest.mark.parametrize("user_id, status", [("alice", 200), (None, 401), ("mallory", 403)])
def test_a_named_origin_may_read_the_answer_with_credentials(send, user_id, status):
    answer = send(user_id, {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == status
    assert answer.headers.getlist("Access-Control-Allow-Origin") == [FRIEND]
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("user_id", ["alice", None])
@pytest.mark.parametrize("headers", [{}, {"Origin": OURS}, {"Origin": FOREIGN}, {"Origin": "null"}])
def test_nobody_else_may_read_it(send, user_id, headers):
    answer = send(user_id, headers)

    assert [name for name, _ in answer.headers if name.startswith("Access-Control-")] == []


@pytest.mark.parametrize("origin", [FRIEND, FOREIGN])
def test_without_named_origins_there_is_no_cors(make_host, origin):
    client = make_host().client()

    with closing(client.get(f"{STREAM}?channels=public-1", headers={"Origin": origin})) as answer:
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_routes_of_the_host_are_not_touched(host):
    host.app.add_url_rule("/mine", "mine", lambda: "mine")

    for headers in ({"Origin": FRIEND}, {"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"}):
        answer = host.client("alice").get("/mine", headers=headers)
        assert answer.text == "mine"
        assert "Access-Control-Allow-Origin" not in answer.headers


# -- preflight ---------------------------------------------------------------------------------


def preflight(host: Host, path: str, origin: str):
    return host.client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
            "Sec-Fetch-Site": "cross-site",
        },
    )


@pytest.mark.parametrize("path", [AUTH, "/pusher/auth"])
def test_a_named_origin_passes_the_preflight(host, path):
    answer = preflight(host, path, FRIEND)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("path", [AUTH, "/pusher/auth", STREAM])
@pytest.mark.parametrize("origin", [FOREIGN, "null"])
def test_nobody_else_passes_the_preflight(host, path, origin):
    answer = preflight(host, path, origin)

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Methods" not in answer.headers
