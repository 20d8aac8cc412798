"""The chapter's jobs, by hand."""
