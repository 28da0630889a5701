"""One of several processes that ask for a cold key: ``python -m benchmarks.cold_key URL KEY``.

It says ``ready``, waits for a line, lets 50 threads ask at once, and prints as JSON how often the
factory, which takes 300 ms, ran here and how long the slowest thread waited, in ms.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from .apps.cache import create_app, rt

THREADS = 50
FACTORY_SECONDS = 0.3


def main() -> None:
    """See the module."""
    url, key = sys.argv[1:]
    app = create_app("RedisCache", url)
    taken: list[float] = []
    begin = threading.Barrier(THREADS)

    def factory() -> str:
        time.sleep(FACTORY_SECONDS)
        return "made"

    def ask() -> None:
        with app.app_context():
            begin.wait()
            began = time.monotonic()
            assert rt.cache.get_or_set(key, factory, 60) == "made"
            taken.append((time.monotonic() - began) * 1e3)

    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        runs = rt.cache.stats()["process"]["factory_runs"]
    print(json.dumps({"runs": runs, "slowest_ms": max(taken), "asked": len(taken)}), flush=True)


if __name__ == "__main__":
    main()
