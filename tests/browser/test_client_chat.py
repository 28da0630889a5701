"""Messages that are shown before they are saved, and end up once each and in order."""

import pytest

from tests.e2e.conftest import post, sign_in

GUILD = "guild-1"
OPEN = """async (channel) => {
  const { MessageList } = await import(document.body.dataset.chat);
  window.list = new MessageList(rt, channel);
  await list.open();
}"""
TEXTS = "list.getSnapshot().messages.map(({content, state}) => [content, state])"


class Chat:
    """One person in a conversation, behind a proxy."""

    def __init__(self, visitor, proxy, channel):
        self.proxy, self.visitor = proxy, visitor
        self.tab = visitor.open("public-1")
        self.page = self.tab.page
        self.page.evaluate(OPEN, channel)
        self.tab.wait_live(channel)

    def send(self, *texts):
        """Sends all of them at once; their client ids."""
        return self.page.evaluate("(texts) => texts.map((text) => list.send(text))", texts)

    def shown(self):
        return self.page.evaluate(TEXTS)

    def wait_sent(self, *texts):
        """Waits until exactly these are shown, all of them sent."""
        wanted = [[text, "sent"] for text in texts]
        condition = f"(wanted) => JSON.stringify({TEXTS}) === JSON.stringify(wanted)"
        self.page.wait_for_function(condition, arg=wanted)

    def wait_state(self, state):
        self.page.wait_for_function(f"list.getSnapshot().messages.at(-1).state === '{state}'")


@pytest.fixture
def enter(shared_host, visit, make_proxy, request):
    """Enters the conversation of this test: `enter("writer-1")`."""
    channel = f"guild-{request.node.name[:60]}"

    def make(user_id):
        proxy = make_proxy(shared_host.url)
        chat = Chat(visit(proxy.url, user_id), proxy, channel)
        chat.channel = channel
        return chat

    return make


def say(server, channel, text):
    body = {"conversationId": channel, "content": text}
    answer = post(server, "/api/messages", body, cookies=sign_in(server, f"writer-{len(text)}"))
    assert answer.status_code == 201, answer.text
    return answer.json()["message"]


def test_two_people_talk(enter):
    alice, bob = enter("writer-1"), enter("writer-2")

    alice.send("Is the ink dry?")
    bob.wait_sent("Is the ink dry?")
    bob.send("Since noon.")

    for chat in (alice, bob):
        chat.wait_sent("Is the ink dry?", "Since noon.")


def test_three_quick_messages_on_a_slow_link_arrive_once_each_and_in_order(enter):
    alice, bob = enter("writer-1"), enter("writer-2")

    alice.proxy.pause()
    alice.send("one", "two", "three")
    assert alice.shown() == [["one", "sending"], ["two", "sending"], ["three", "sending"]]
    alice.proxy.resume()

    for chat in (alice, bob):
        chat.wait_sent("one", "two", "three")


def test_lost_answer_and_a_retry_show_one_message_and_no_failure(enter):
    """The message was saved, but neither the answer nor the stream could tell."""
    alice, bob = enter("writer-1"), enter("writer-2")
    bad_gateway = {"status": 502, "body": "bad gateway"}
    alice.page.route("**/realtime/stream*", lambda route: route.fulfill(**bad_gateway))
    alice.proxy.cut_all()

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    alice.page.route("**/api/messages", lose_the_answer, times=1)
    alice.send("did you get this?")
    alice.wait_state("failed")
    bob.wait_sent("did you get this?")
    error = alice.page.evaluate("({...list.getSnapshot().messages[0].error})")
    assert (error["type"], error["retryable"]) == ("NetworkError", True)

    alice.page.evaluate("list.retry(list.getSnapshot().messages[0].clientId)")
    alice.wait_sent("did you get this?")
    alice.page.unroute("**/realtime/stream*")
    alice.send("yes?")

    for chat in (alice, bob):
        chat.wait_sent("did you get this?", "yes?")


def test_messages_written_after_one_that_failed_do_not_overtake_it(enter):
    alice, bob = enter("writer-1"), enter("writer-2")
    alice.page.route("**/api/messages", lambda route: route.abort(), times=1)

    first, *_ = alice.send("one", "two", "three")
    alice.wait_state("failed")
    alice.page.evaluate("(id) => list.retry(id)", first)

    for chat in (alice, bob):
        chat.wait_sent("one", "two", "three")


def test_message_that_failed_offline_is_sent_by_itself_when_the_link_is_back(enter):
    alice, bob = enter("writer-1"), enter("writer-2")
    alice.visitor.context.set_offline(True)
    alice.proxy.refuse()
    alice.send("first", "second")
    alice.wait_state("failed")

    alice.proxy.accept()
    alice.visitor.context.set_offline(False)

    for chat in (alice, bob):
        chat.wait_sent("first", "second")


def test_more_messages_than_the_server_takes_at_once_wait_their_turn(enter):
    alice = enter("writer-1")
    texts = [f"line {n}" for n in range(8)]

    alice.send(*texts)

    alice.wait_sent(*texts)


def test_message_that_the_server_refuses_can_be_discarded(enter):
    alice = enter("writer-1")
    (client_id,) = alice.send("a bell: \x07")
    alice.wait_state("failed")
    error = alice.page.evaluate("({...list.getSnapshot().messages[0].error})")
    assert (error["type"], list(error["fields"])) == ("InvalidFields", ["content"])

    alice.page.evaluate("(id) => list.discard(id)", client_id)

    assert alice.shown() == []


def test_edit_delete_reaction_and_receipt_are_shown(enter, shared_host):
    alice = enter("writer-1")
    alice.send("frist", "oops")
    alice.wait_sent("frist", "oops")
    alice.page.evaluate("""async () => {
      const [first, second] = list.getSnapshot().messages;
      await rt.request(`/messages/${first.id}`, { method: "PATCH", body: { content: "first" } });
      await rt.request(`/messages/${first.id}/reactions/%2B1`, { method: "PUT" });
      await rt.request(`/messages/${second.id}`, { method: "DELETE" });
      await list.markRead();
    }""")

    alice.wait_sent("first", "")
    alice.page.wait_for_function("list.getSnapshot().messages[0].reactions['+1']?.count === 1")
    alice.page.wait_for_function("list.getSnapshot().receipts['writer-1'] === 2")


def test_hole_in_the_order_is_fetched(enter, shared_host):
    alice = enter("writer-1")
    say(shared_host, alice.channel, "one")
    alice.wait_sent("one")
    detach = "const h = list.handlers['message:new'], c = rt.channel(list.conversationId);"
    alice.page.evaluate(f"() => {{ {detach} c.unbind('message:new', h); }}")
    for text in ("two", "three"):
        say(shared_host, alice.channel, text)
        alice.tab.wait_seen("message:new", {"two": 2, "three": 3}[text])
    alice.page.evaluate(f"() => {{ {detach} c.bind('message:new', h); }}")

    say(shared_host, alice.channel, "four")

    alice.wait_sent("one", "two", "three", "four")


def test_what_the_stream_has_lost_is_fetched(serve_host, visit, make_proxy):
    server = serve_host(env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "2"})
    proxy = make_proxy(server.url)
    alice = Chat(visit(proxy.url, "writer-1"), proxy, GUILD)
    first = say(server, GUILD, "first")
    alice.wait_sent("first")

    proxy.refuse()
    alice.tab.wait_state("connecting")
    path, cookies = f"{server.url}/api/messages/{first['id']}", sign_in(server, "writer-5")
    assert edit(path, "edited", cookies).ok
    for text in ("1", "22", "333", "4444"):
        say(server, GUILD, text)
    proxy.accept()

    alice.wait_sent("edited", "1", "22", "333", "4444")


def edit(url, text, cookies):
    import requests

    return requests.patch(url, json={"content": text}, cookies=cookies, timeout=10)


def test_conversation_that_another_part_of_the_page_is_about_to_hold(enter, shared_host):
    """Its subscription begins after the history was read: what is between the two is fetched."""
    alice = enter("writer-1")
    alice.page.evaluate("list.close()")
    waiting = []
    alice.page.route("**/realtime/subscribe", lambda route: waiting.extend([route]), times=1)
    channel = f"{alice.channel}-2"
    with alice.page.expect_request("**/realtime/subscribe"):
        alice.page.evaluate("(name) => void rt.subscribe(name)", channel)
    alice.page.evaluate(OPEN, channel)

    say(shared_host, channel, "between")
    waiting[0].continue_()

    alice.wait_sent("between")
    say(shared_host, channel, "afterwards")
    alice.wait_sent("between", "afterwards")


def test_conversation_that_is_opened_and_closed_in_any_order_leaves_nothing(enter):
    alice = enter("writer-1")
    alice.page.route("**/api/messages?*", lambda route: route.abort(), times=1)

    assert alice.tab.error("list.open()")["type"] == "NetworkError"
    alice.tab.call("list.open()")
    alice.page.evaluate("list.close()")
    assert alice.page.evaluate("rt.channel(list.conversationId) === undefined")

    alice.tab.call("(() => { const opened = list.open(); list.close(); return opened; })()")
    assert alice.page.evaluate("rt.channel(list.conversationId) === undefined")


def test_history_goes_further_back_on_request(enter, shared_host):
    alice = enter("writer-1")
    for n in range(4):
        say(shared_host, alice.channel, "x" * (n + 1))
    alice.wait_sent("x", "xx", "xxx", "xxxx")

    small = "Object.assign(new list.constructor(rt, list.conversationId, {pageSize: 3}))"
    alice.page.evaluate(
        f"async () => {{ list.close(); window.list = {small}; await list.open(); }}"
    )
    alice.wait_sent("xx", "xxx", "xxxx")
    assert alice.page.evaluate("list.getSnapshot().hasMore")
    alice.page.evaluate("list.loadEarlier().then(() => 0)")

    alice.wait_sent("x", "xx", "xxx", "xxxx")
    assert not alice.page.evaluate("list.getSnapshot().hasMore")
    assert alice.page.evaluate("list.getSnapshot() === list.getSnapshot()")


def test_history_that_was_asked_for_by_the_former_user_is_shown_to_nobody(enter, shared_host):
    alice = enter("writer-1")
    for n in range(4):
        say(shared_host, alice.channel, "x" * (n + 1))
    alice.wait_sent("x", "xx", "xxx", "xxxx")

    def answer_late(route):
        answer = route.fetch()
        alice.visitor.sign_in("member-3")
        alice.page.evaluate("() => { rt.disconnect(); rt.connect(); }")
        alice.page.wait_for_function("rt.user.id === 'member-3' && list.turn === 1")
        route.fulfill(response=answer)

    alice.page.route("**/messages?*beforeSeq*", answer_late)
    error = alice.tab.error("list.loadEarlier()")

    assert error["type"] == "AuthError"
    alice.page.wait_for_function("list.getSnapshot().error?.status === 403")
    assert alice.shown() == []


def test_what_is_done_with_messages_is_shown_to_both(enter):
    alice, bob = enter("writer-1"), enter("writer-2")
    alice.send("frist", "oops")
    for chat in (alice, bob):
        chat.wait_sent("frist", "oops")

    alice.page.evaluate("""async () => {
      const [first, second] = list.getSnapshot().messages;
      await list.edit(first.id, "first", first.revision);
      await list.remove(second.id);
      await list.react(first.id, "+1");
    }""")

    for chat in (alice, bob):
        chat.wait_sent("first", "")
        chat.page.wait_for_function("list.getSnapshot().messages[0].reactions['+1']?.count === 1")
    alice.page.evaluate("list.react(list.getSnapshot().messages[0].id, '+1', false)")
    bob.page.wait_for_function("!list.getSnapshot().messages[0].reactions['+1']")


def test_who_edits_what_has_been_edited_is_told_and_can_see_what_it_says(enter):
    alice = enter("writer-1")
    alice.send("draft")
    alice.wait_sent("draft")

    said = alice.page.evaluate("""async () => {
      const { id, revision } = list.getSnapshot().messages[0];
      await list.edit(id, "first", revision);
      const error = await list.edit(id, "second", revision).catch((error) => error);
      return [error.type, (await list.reload(id)).content];
    }""")

    assert said == ["Conflict", "first"]


def test_a_draft_shows_its_files_as_they_were_given(enter):
    alice = enter("writer-1")

    shown = alice.page.evaluate("""() => {
      list.send("", { attachments: [{ id: "none", name: "chart.png" }] });
      return list.getSnapshot().messages[0].attachments[0].name;
    }""")

    assert shown == "chart.png"
    alice.wait_state("failed")


def test_a_message_stays_the_same_object_until_it_changes(enter):
    alice = enter("writer-1")
    alice.send("one")
    alice.wait_sent("one")
    alice.page.evaluate("window.before = list.getSnapshot().messages[0]")

    alice.send("two")

    alice.wait_sent("one", "two")
    assert alice.page.evaluate("list.getSnapshot().messages[0] === before")


def test_history_that_cannot_be_fetched_is_tried_again_by_itself(enter, shared_host):
    alice = enter("writer-1")
    say(shared_host, alice.channel, "there all the time")
    alice.wait_sent("there all the time")
    answer = {"status": 503, "headers": {"Retry-After": "1"}, "json": {"error": "Unavailable"}}
    alice.page.route("**/api/messages?*", lambda route: route.fulfill(**answer), times=1)

    failed = alice.page.evaluate("""() => {
      list.close();
      window.list = new list.constructor(rt, list.conversationId);
      return list.open().catch((error) => error.type);
    }""")

    assert failed == "Unavailable"
    alice.wait_sent("there all the time")


def test_nothing_is_missed_while_somebody_else_begins_with_the_channel(enter, shared_host):
    """The history is older than the message, and the channel begins after it."""
    alice = enter("writer-1")
    said, held = [], []
    later = f"{alice.channel[:50]}-later"

    def answer_late(route):
        response = route.fetch()
        if not said:
            said.append(say(shared_host, later, "between the two"))
        route.fulfill(response=response)
        for one in held:
            one.continue_()
        held.clear()

    def subscribe_late(route):
        if said:
            route.continue_()
        else:
            held.append(route)

    alice.page.route("**/api/messages?*", answer_late)
    alice.page.route("**/realtime/subscribe", subscribe_late)
    alice.page.evaluate(
        """(channel) => {
          rt.subscribe(channel);
          window.list = new list.constructor(rt, channel);
          list.open();
        }""",
        later,
    )

    alice.wait_sent("between the two")
