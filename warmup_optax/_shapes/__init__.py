"""Curves on a local count that starts at 0. They know no absolute time, and nothing of one another."""
