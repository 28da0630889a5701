"""The demo's people without browsers: their forms, and what each of them is told."""

import re
from contextlib import ExitStack
from typing import Any, Self

import requests

LOGINS = ("alice", "bob", "carol", "dan", "erin", "frank", "grace")
HTML = {"Accept": "text/html"}


class Person:
    """One signed-in person."""

    def __init__(self, url: str, login: str) -> None:
        self.url = url
        self.login = login
        self.id = str(LOGINS.index(login) + 1)
        self.session = requests.Session()
        # gunicorn closes an idle connection, just when the next request may be on its way.
        self.session.headers["Connection"] = "close"
        self.post(f"/login/{login}")

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, headers=HTML)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request to the API."""
        return self.session.request(method, f"{self.url}/api{path}", **options)

    def post(self, path: str, **fields: Any) -> str:
        """Sends a form that has to work; the path that it leads to."""
        answer = self._send(path, fields)
        assert answer.status_code == 302, (path, answer.status_code, answer.text[-600:])
        return answer.headers["Location"]

    def refused(self, path: str, **fields: Any) -> int:
        """Sends a form that may not work; the status, 302 when it does."""
        return self._send(path, fields).status_code

    def refusal(self, path: str, **fields: Any) -> tuple[int, str]:
        """The same, and the page that says why."""
        answer = self._send(path, fields)
        return answer.status_code, answer.text

    def _send(self, path: str, fields: dict[str, Any]) -> requests.Response:
        url = self.url + path
        return self.session.post(url, data=fields, headers=HTML, allow_redirects=False)

    def inbox(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Their notifications, newest first; one that stands for more than before is another."""
        page = self.ask("GET", "/notifications?limit=100").json()
        return {(one["id"], one["groupCount"]): one for one in page["notifications"]}


class Hall:
    """Everybody: `hall["alice"]`. `told()` is what has been told since it was asked last."""

    logins = LOGINS

    def __init__(self, server: Any) -> None:
        self.server = server
        self._stack = ExitStack()
        self._people = {login: Person(server.url, login) for login in LOGINS}
        self._known = {login: set(one.inbox()) for login, one in self._people.items()}

    def __enter__(self) -> Self:
        for person in self._people.values():
            self._stack.enter_context(person.session)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, login: str) -> Person:
        return self._people[login]

    def told(self) -> dict[str, list[str]]:
        """The types by login, oldest first; who was told nothing is not in it."""
        news: dict[str, list[str]] = {}
        for login, person in self._people.items():
            inbox = person.inbox()
            fresh = [one["type"] for key, one in inbox.items() if key not in self._known[login]]
            self._known[login] = set(inbox)
            if fresh:
                news[login] = fresh[::-1]
        return news


def number_in(path: str) -> int:
    """The id in `/bounties/6`."""
    match = re.fullmatch(r"/\w+/(\d+)", path)
    assert match, path
    return int(match[1])
