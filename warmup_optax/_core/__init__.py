"""The base of every schedule: a value, its clock, and its evaluation. Nothing here imports a shape or a tool."""
