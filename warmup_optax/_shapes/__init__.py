"""Shapes: curves of a local count that starts at 0, independent of absolute time and of one another."""
