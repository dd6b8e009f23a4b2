"""Beside the core, which imports none of it: configs, tables, pictures, the linter, the command line."""
