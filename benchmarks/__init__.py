"""Side-by-side benchmarks: flask-nexora-rt against flask-sse, Nchan and a bare Flask view.

Run from the repository root with ``python -m benchmarks`` (or ``make bench``).
"""
