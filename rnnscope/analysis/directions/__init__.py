"""Directions, not only units: principal components, rotations, and what a probe reads along."""
