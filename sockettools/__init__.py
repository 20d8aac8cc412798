"""Network programs by hand: raw sockets and the standard library, nothing else."""

__version__ = "0.1.0"
