"""Double entry in Postgres, for every context that keeps balances, each in a schema of its own.

A transfer moves amounts between accounts. Each of its legs is one row that names the account it
leaves and the one it reaches, so that what is taken and what is given are the same number: no
transfer can be out of balance. Both accounts of a leg have the same owner. What comes from outside
or goes there has its counter-leg in the owner's own account `outside`, the only kind that may be
negative; no row is shared by all owners, and every key leads with the owner.

- `amounts`: exact amounts from and to JSON
- `model`, `errors`: transfers, balances, entries, and what can be wrong with them
- `postings`: posts and reverses transfers, reads balances and entries
- `idempotency`: one command, one effect, one answer, however often it is sent
- `checking`: recomputes every balance
- `statements`: the SQL, and `ddl`, the tables, to be copied into the migration of a context
"""
