class TerritoryError(ValueError):
    """A change to a territory that is refused; `message` is a French sentence. Nothing changed."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
