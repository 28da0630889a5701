"""What a page's client is answered when it asks for a channel."""

from tests.browser.demo_page import DemoPage

SUBSCRIBE = """(name) => new Promise((done) => {
    const channel = NexoraRT.default.subscribe(name);
    channel.bind("pusher:subscription_error", (error) => done(error.status));
    channel.bind("pusher:subscription_succeeded", () => done(200));
})"""


def subscribing(visitor: DemoPage, channel: str) -> int:
    """The status: 200 when the page may follow the channel, 403 when it may not."""
    status: int = visitor.page.evaluate(SUBSCRIBE, channel)
    return status
