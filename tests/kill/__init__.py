"""Crawls that are killed, and what they end with compared with crawls that were not.

``python -m tests.kill --help``. A campaign runs one crawl: kills it at an instant drawn at random,
runs the same command again, kills that, and so on, and lets the last one finish. Then its feed has
to be that of an unbroken run, and the server's log must not show a page that was left out, or one
that was asked for again although it was done long before the kill.
"""
