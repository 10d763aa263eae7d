"""Orders: the business of this service, with its adapters beside it."""
