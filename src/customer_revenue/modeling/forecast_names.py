"""The names of what is compared, without the libraries that predict."""

OURS = "customer-revenue"
BG_NBD = "BG/NBD + Gamma-Gamma"
NAIVE = "naive rule"
