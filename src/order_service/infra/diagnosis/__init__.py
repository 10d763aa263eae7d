"""Asks the surroundings of the service how they are, and says it in words.

Each module looks at one part with the credentials that the service itself uses, and yields
findings in the order in which things depend on each other: what cannot work after a fault is
not tried.
"""
