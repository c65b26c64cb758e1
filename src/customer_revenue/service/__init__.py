"""Who asks? Workflows in; HTTP out."""
