from dataclasses import dataclass
from typing import Optional
from sqlalchemy.ext.asyncio import AsyncSession


class BaseAgent:
    def __init__(self, name):
        self.name = name
        self.db_session: Optional[AsyncSession] = None


class SupervisorAgent(BaseAgent):
    def __init__(self, db_session: AsyncSession, llm):
        super().__init__("supervisor")
        self.db_session = db_session
        self.llm = llm
        self._subs = {}

    def set_session(self, session):
        self.db_session = session

    async def cleanup(self):
        self.db_session = None

    async def run(self, text):
        await self.db_session.execute(text)


@dataclass
class Context:
    user: str
    session: AsyncSession


class Manager:
    _instance = None

    def __init__(self):
        self.contexts = {}
        self.sessions = []
        self.current = None

    @classmethod
    def get(cls):
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def add(self, key, ctx):
        self.contexts[key] = ctx

    def push(self, session):
        self.sessions.append(session)


manager = Manager()


def get_manager() -> Manager:
    return manager
