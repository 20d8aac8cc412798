"""The same thing done in several ways, side by side: what each did, and what it cost."""
