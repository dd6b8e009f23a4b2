"""The command line: ``python -m warmup_optax``, or ``warmup-optax``."""

from ._cli import script

if __name__ == "__main__":
    script()
