"""What should we do? Facts and predictions in; recommended actions out."""
