"""An app without the extension, to try the server helpers themselves."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    """The pid that answers and what it was given."""
    return f"{os.getpid()} {os.environ.get('GREETING', '')}"
