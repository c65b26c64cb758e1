"""What the service and what packs it call the same."""

BUNDLE_ALIAS = "customer_revenue_bundle"
"""The alias, in a Bento, of the bundle that it was built with, which is in BentoML's model store."""
