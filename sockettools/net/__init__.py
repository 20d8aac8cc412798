"""The only place where a socket is made."""
