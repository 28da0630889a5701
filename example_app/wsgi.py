"""What a WSGI server loads: `gunicorn example_app.wsgi:app`."""

from example_app import create_app

app = create_app()
