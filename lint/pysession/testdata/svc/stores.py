from contextvars import ContextVar
from typing import Optional

from fastapi import APIRouter, FastAPI, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession

from svc.agents import Context, Manager, SupervisorAgent, get_manager, manager
from svc.db import DbDep, SessionLocal, get_async_db

router = APIRouter()
current: ContextVar = ContextVar("current")


class Handlers:
    def __init__(self, supervisor, threads):
        self.supervisor = supervisor
        self.threads = threads

    @staticmethod
    def configure(supervisor, user, session: AsyncSession) -> None:
        supervisor.user = user
        supervisor.db_session = session  # want sessionstored error

    async def handle(self, payload, db_session: AsyncSession):
        self.configure(self.supervisor, payload, db_session)
        await self.supervisor.run(payload)

    async def handle2(self, payload, db_session: Optional[AsyncSession]):
        self.supervisor.db_session = db_session  # want sessionstored error
        await self.supervisor.run(payload)

    async def handle3(self, payload):
        async for session in get_async_db():
            self.supervisor.set_session(session)  # want sessionstored error
            await self.supervisor.run(payload)


async def with_setattr(db: DbDep):
    setattr(manager, "current", db)  # want sessionstored error


async def class_attribute(db: DbDep):
    Manager.current = db  # want sessionstored error


async def in_manager_dict(key, db: DbDep):
    manager.contexts[key] = db  # want sessionstored error


async def in_manager_list(db: DbDep):
    manager.sessions.append(db)  # want sessionstored error


async def through_push(db: DbDep):
    manager.push(db)  # want sessionstored error


async def dataclass_in_manager(key, db: DbDep):
    ctx = Context(user="x", session=db)
    manager.add(key, ctx)  # want sessionstored error


async def singleton(db: DbDep):
    m = get_manager()
    m.current = db  # want sessionstored error


async def singleton2(db: DbDep):
    Manager.get().current = db  # want sessionstored error


async def app_state(app: FastAPI, db: DbDep):
    app.state.db = db  # want sessionstored error


async def dict_update(key, db: DbDep):
    manager.contexts.update({key: db})  # want sessionstored error


async def setdefault(key, db: DbDep):
    manager.contexts.setdefault(key, db)  # want sessionstored error


async def in_context(db: DbDep):
    current.set(db)  # want sessionstored warning


@router.websocket("/ws")
async def socket(ws: WebSocket, db: DbDep):
    manager.current = db  # want sessionstored error
    while True:
        await ws.receive_text()


handlers = Handlers(SupervisorAgent(None, None), None)


_shared = None


def lent_to_module():
    global _shared
    if _shared is not None:
        yield _shared
        return
    with SessionLocal() as session:
        _shared = session  # want sessionstored warning
        try:
            yield session
        finally:
            _shared = None


context = Context(user="process", session=None)


async def in_process_context(db: DbDep):
    context.session = db  # want sessionstored error
