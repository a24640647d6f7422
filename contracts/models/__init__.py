"""The money of contracts: rates, contracts, schedules, payments."""

from contracts.models.rates import RateLine, RateTable

__all__ = ["RateLine", "RateTable"]
