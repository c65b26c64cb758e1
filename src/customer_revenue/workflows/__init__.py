"""Workflows join the rooms: train, back-test, score, answer. Nothing else imports more than one room."""
