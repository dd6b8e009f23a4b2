"""An interactive view of a schedule in a notebook."""
