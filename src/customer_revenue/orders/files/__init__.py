"""Files of orders: how they are recognized, read, checked and staged."""
