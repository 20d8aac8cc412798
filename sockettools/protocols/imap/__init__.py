"""IMAP4rev1 (RFC 3501): mailboxes that stay on the server, with folders and search.

``client`` is what programs use; ``parser`` reads responses, ``commands`` writes commands, ``utf7``
the names of folders.
"""
