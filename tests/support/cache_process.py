"""One worker of an app that uses the cache: `python -m tests.support.cache_process '{...}'`.

Given as JSON: `config` for the app, `key`, `threads`, `seconds` that the factory takes,
`runs` (a file that gets a line per run), `lock_timeout`. It says `ready`, waits for a line, lets
all threads ask at once, and prints their answers and its counters as JSON.
"""

import json
import sys
import threading
import time
from pathlib import Path

from flask_caching import Cache

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import make_app


def say(line: str) -> None:
    """To the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """See the module."""
    asked = json.loads(sys.argv[1])
    rt = NexoraRT()
    app = make_app(rt, **asked["config"])
    if "CACHE_TYPE" in asked["config"]:
        Cache(app)

    def factory() -> str:
        with Path(asked["runs"]).open("a") as file:
            file.write("run\n")
        time.sleep(asked["seconds"])
        return "made"

    answers: list[object] = []
    begin = threading.Barrier(asked["threads"])

    def ask() -> None:
        with app.app_context():
            begin.wait()
            answers.append(
                rt.cache.get_or_set(asked["key"], factory, 60, lock_timeout=asked["lock_timeout"])
            )

    say("ready")
    sys.stdin.readline()
    threads = [threading.Thread(target=ask) for _ in range(asked["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        say(json.dumps({"answers": answers, "stats": rt.cache.stats()}))


if __name__ == "__main__":
    main()
