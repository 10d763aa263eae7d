"""A Postgres cluster that elects its primary, and what becomes of the service while it does.

A package, so that the cluster ends with its last test.
"""
