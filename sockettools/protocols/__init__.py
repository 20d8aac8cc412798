"""Clients by hand for the chapter's other protocols: a file each, on what they have in common."""
