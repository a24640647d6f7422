"""The money of a contract: rates, schedule, payments, balances."""
