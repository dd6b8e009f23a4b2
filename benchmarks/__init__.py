"""Measurements of `warmup_optax` and its peers: ``python -m benchmarks``, explained in README.md.

A table is a module: the first line of its docstring is the title, the rest says how to read it, and
``run(quick=False)`` returns its rows, a list of dicts with the same keys.
"""
