"""What README claims about speed and precision, measured again: ``python -m benchmarks [NAME…]``."""
