"""What every test can rely on, however the tests were started."""

import signal

# A job in a shell's background ignores Ctrl-C, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
