"""The calendar of missions: by when each starts and is in place."""
