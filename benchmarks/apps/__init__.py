"""The WSGI apps that gunicorn serves in the benchmarks, one per file."""
