"""The API of the accrual context."""
