"""Settings of the documentation site: guides in Markdown, the Python API from its docstrings."""

import customer_revenue

project = "customer-revenue"
author = "The customer-revenue contributors"
copyright = author  # noqa: A001  # Sphinx's name
version = release = customer_revenue.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_ref_domains = []
# Links from a guide to the sources work on the hosting platform, and lead nowhere on this site.
suppress_warnings = ["myst.xref_missing"]
exclude_patterns = ["build"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"customer-revenue {release}"
html_show_sphinx = False
