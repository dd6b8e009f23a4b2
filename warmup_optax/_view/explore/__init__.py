"""A schedule with sliders, in a notebook."""
