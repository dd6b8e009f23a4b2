"""Schedules of schedules: they know absolute counts, and no curve."""
