"""Beside the core, which imports none of these: files, units, states, reports and pictures."""
