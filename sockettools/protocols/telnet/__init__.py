"""Telnet (RFC 854, 855): bytes and events, options, and a client."""
