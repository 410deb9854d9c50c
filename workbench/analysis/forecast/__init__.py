"""Forecasts of series, and paths simulated from their errors."""
