"""Back-tests, their metrics, and the gate between challenger and champion."""
