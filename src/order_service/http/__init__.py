"""What all routes share: the application, errors, health, the page, the server."""
