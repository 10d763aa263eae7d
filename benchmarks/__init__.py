"""What the service is measured against, one program a row of the table in docs/performance.md."""
