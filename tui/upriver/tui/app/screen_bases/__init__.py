"""What several screens share: base classes and mixins."""
