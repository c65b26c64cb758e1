"""Trained versions: where bundles live, and which one is champion."""
