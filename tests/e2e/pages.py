"""The pages of the portal as a person uses them: labels and buttons, never selectors of style."""

from playwright.sync_api import Page


class SignIn:
    def __init__(self, page: Page) -> None:
        self.page = page

    def as_(self, email: str, password: str) -> None:
        self.page.goto("/compte/connexion/")
        self.page.get_by_label("Adresse électronique").fill(email)
        self.page.get_by_label("Mot de passe", exact=True).fill(password)
        self.page.get_by_role("main").get_by_role("button", name="Se connecter").click()
