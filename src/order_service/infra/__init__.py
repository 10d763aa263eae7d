"""Adapters and machinery with no business in them: streams, stores, logging, retry."""
