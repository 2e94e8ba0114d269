"""Where weather starts to matter. One place, because more than one asset draws these lines."""

LOW_VISIBILITY_MILES = 3
"""Below it, pilots may not fly by sight."""

STRONG_WIND_KNOTS = 20
FREEZING_FAHRENHEIT = 32
