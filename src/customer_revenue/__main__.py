"""``python -m customer_revenue`` is the command ``customer-revenue``."""

from customer_revenue.cli import main

if __name__ == "__main__":
    main()
