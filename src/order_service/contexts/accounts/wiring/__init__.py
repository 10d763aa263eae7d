"""Makes the accounts out of the configuration: for the API, for operators, for the relay."""
