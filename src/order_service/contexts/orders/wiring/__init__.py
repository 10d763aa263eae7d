"""Which adapter stands behind which port of the orders context.

The two processes have a module each: lookups must not wait for the Kafka library to load.
"""
