"""Workflows join the packages: train, back-test, score, answer requests. Nothing else imports more than one of them."""
