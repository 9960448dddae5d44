"""Datasets, from files to batches; nothing here is imported before it is asked for."""
