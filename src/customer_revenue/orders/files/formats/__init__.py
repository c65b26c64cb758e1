"""The formats that orders come in, one module per family."""
