from .store import get_session, manager, second
