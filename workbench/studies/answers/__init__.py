"""Answers that are computed once for all who may see them, kept in the store, and given with their age."""
