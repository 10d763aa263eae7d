"""Postgres: the pool with its deadlines, named statements, migrations, the lag of a replica."""
