"""Blocks that may not stand in the documentation, and what the test of its blocks says to each."""

from tests.docs.pages import Block

ENDLESS = "it does not run to its end"
_WRONG = [
    ("js", 'throw new Error("at once");', "uncaught: at once"),
    ("js", 'Promise.reject(new Error("rejected"));', "uncaught: rejected"),
    ("js", 'button.onclick = () => { throw new Error("clicked"); };', "uncaught: clicked"),
    ("js", "await new Promise(() => {});", ENDLESS),
    ("js", 'fetch("/nowhere");', "404: "),
    ("js", 'import { Nothing } from "laravel-echo";', "does not provide an export"),
    ("js", 'rt.subscribe("closed-1");', "403: "),
    ("js", 'rt.subscribe("guild-1").trigger("client-wave", {});', "is not subscribed yet"),
    (
        "js",
        'rt.subscribe("guild-1").bind("quest:new", () => {}); () => show();',
        "it does not call",
    ),
    ("jsx", "<RealTimeProvider client={rt}></RealTimeProvider>", "it shows nothing"),
    ("html", "<nexora-bell></nexora-bell>", ENDLESS),
    ("html", '<script type="module" src="/nowhere.js"></script>', "failed: "),
]
# Of the page whose import map knows React, on lines that no page has; and what is said.
MISTAKES = [
    (Block("docs/react.md", -number, language, text), said)
    for number, (language, text, said) in enumerate(_WRONG, 1)
]
