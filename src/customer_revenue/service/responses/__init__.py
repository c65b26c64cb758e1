"""The responses of the routes, field by field, as the OpenAPI document shows them.

Answers are made by :mod:`customer_revenue.workflows` as plain objects and are not validated again on every request;
the contract tests hold the two together.
"""

from customer_revenue.service.responses.customers import BatchAnswer, CustomerRevenue

__all__ = ["BatchAnswer", "CustomerRevenue"]
