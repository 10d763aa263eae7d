"""The businesses: one folder each, none of which knows another."""
