"""Stores on MySQL and MariaDB servers."""
