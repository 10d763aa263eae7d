"""The HTTP faces of the accounts: `/auth/*`, `/api/user/register|login`, the published keys."""
