"""Code that the assets of this project share."""
