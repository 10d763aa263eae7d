"""The HTTP face of the orders context: routes, their schemas and the form of an answer."""
