"""The engines that compute tables."""
