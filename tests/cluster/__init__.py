"""A Postgres cluster that elects its primary, and what becomes of the service while it does."""
