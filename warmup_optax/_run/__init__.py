"""A training run as a whole: its length in other units, its peak, its end."""
