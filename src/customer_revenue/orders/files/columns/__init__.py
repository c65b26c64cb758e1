"""Columns of a file, judged as a whole: the order of day and month, the decimal sign, the unit, and the ids."""
