"""Combinators: schedules made of other schedules. They handle counts, and define no curve."""
