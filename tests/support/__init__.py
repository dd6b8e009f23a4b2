"""Shared parts of the tests: cases and their float64 equations, golden tables, configs, targets."""
