"""The systems this package grew out of, as data and a few functions."""
