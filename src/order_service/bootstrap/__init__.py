"""The composition root: a Config in, a wired API, consumer or migrator out.

This package alone knows which adapter stands behind which port. `backends` makes what the
processes share, the other modules are one process each.
"""
