"""What waits in the outbox can be seen, and taken over from an app's old id."""

from flask_nexora_rt.outbox import write_event
from tests.contract.test_messages import database_url, host, names  # noqa: F401


def run(host, *arguments):  # noqa: F811
    result = host.app.test_cli_runner().invoke(args=["nexora-rt", "outbox", *arguments])
    return result.exit_code, [line.split() for line in result.output.splitlines()]


def leave(host, owner, *texts):  # noqa: F811
    """Events of an app that has committed them and is gone."""
    rows = [
        {"owner": owner, "event": write_event(host.state.event("guild-1", "said", text))}
        for text in texts
    ]
    host.db.session.execute(host.state.models.outbox.__table__.insert(), rows)
    host.db.session.commit()


def test_what_waits_is_shown_by_app_id(host):  # noqa: F811
    assert run(host) == (0, [["app", "id", "events"]])
    leave(host, "other", "one")
    leave(host, "old-name", "one", "two")

    assert run(host) == (0, [["app", "id", "events"], ["old-name", "2"], ["other", "1"]])


def test_what_waits_for_an_old_app_id_is_published_before_what_is_new(host):  # noqa: F811
    leave(host, "old-name", "one", "two")
    leave(host, "other", "none of ours")

    assert run(host, "adopt", "old-name") == (0, [["2", "adopted"]])
    host.rt.messages.send("guild-1", "new", "alice")
    assert names(host, 3) == ["said", "said", "message:new"]
    assert run(host)[1][1:] == [["other", "1"]]
    assert run(host, "adopt", "old-name") == (0, [["0", "adopted"]])
