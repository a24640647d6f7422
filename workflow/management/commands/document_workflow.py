from cpts_portal.page_commands import PagesCommand
from workflow import documentation


class Command(PagesCommand):
    help = "Dessine dans docs/circuits/ les états des dossiers et les circuits régionaux."
    name = "document_workflow"
    what = "Les pages des circuits"
    gone = "ce qu’elle montrait n’existe plus"
    folder = staticmethod(lambda: documentation.CIRCUITS_FOLDER)
    pages = staticmethod(documentation.pages)
    stale_pages = staticmethod(documentation.stale_pages)
