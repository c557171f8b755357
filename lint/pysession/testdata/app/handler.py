import asyncio
from typing import Annotated

from fastapi import BackgroundTasks, Depends
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Scoped, SessionLocal, get_db, session_scope
from app.supervisor import Owner, Repo, Supervisor, supervisor

REGISTRY = {}
SessionDep = Annotated[AsyncSession, Depends(get_db)]


async def handle(text, db: AsyncSession = Depends(get_db)):
    supervisor.db_session = db  # want sessionstored error
    return await supervisor.run(text)


async def by_alias(db: SessionDep):
    supervisor.db_session = db  # want sessionstored error


def configure(supervisor, user_id, db_session: AsyncSession):
    supervisor.user_id = user_id
    supervisor.db_session = db_session  # want sessionstored error


async def calls_configure(sup):
    async with SessionLocal() as session:
        configure(sup, 1, session)


async def untyped(sup, session):
    sup.db = session  # want sessionstored error


async def calls_untyped(sup):
    async with session_scope() as s:
        await untyped(sup, s)


async def by_setter():
    async with SessionLocal() as s:
        supervisor.attach(s)  # want sessionstored error


async def in_registry(key, session: AsyncSession):
    REGISTRY[key] = session  # want sessionstored error


async def early(text):
    async for session in get_db():
        return await session.execute(text)  # want providerexit error


async def first(text):
    async for session in get_db():
        await session.execute(text)
        break  # want providerexit error


async def fire(session: AsyncSession):
    asyncio.create_task(work(session))  # want sessionspawned error


async def fire_holder():
    async with SessionLocal() as s:
        repo = Repo(s)
        task = asyncio.create_task(repo.all())  # want sessionspawned error
        task.add_done_callback(print)


async def fire_closure(session: AsyncSession):
    async def inner():
        await session.execute("select 1")

    asyncio.create_task(inner())  # want sessionspawned error


async def together(session: AsyncSession):
    await asyncio.gather(work(session), work(session))  # want sessionspawned error


async def fanned(session: AsyncSession, xs):
    await asyncio.gather(*[work(session) for x in xs])  # want sessionspawned error


async def listed(session: AsyncSession, xs):
    jobs = []
    for x in xs:
        jobs.append(work(session))
    await asyncio.gather(*jobs)  # want sessionspawned error


async def after(background: BackgroundTasks, db: AsyncSession = Depends(get_db)):
    background.add_task(work, db)  # want sessionspawned error


async def streamed(db: AsyncSession = Depends(get_db)):
    return StreamingResponse(rows(db))  # want sessionspawned warning


async def rows(db):
    for row in await db.execute("select 1"):
        yield row


async def wrong_use():
    db = session_scope()
    await db.execute("select 1")  # want provideruse error


async def wrong_await():
    db = await session_scope()  # want provideruse error
    return db


async def bounded(session: AsyncSession):
    await asyncio.wait_for(work(session), 5)  # want waitholding warning


async def shared_scope():
    Scoped.execute("select 1")  # want sharedscope warning


async def work(session):
    await session.execute("select 1")


class Service:
    def __init__(self):
        self.supervisor = Supervisor()

    async def serve(self):
        async with SessionLocal() as session:
            self.supervisor.db_session = session  # want sessionstored error
            self.session = session  # want sessionstored error

    async def keep_repo(self):
        async with SessionLocal() as session:
            self.repo = Repo(session)  # want sessionstored error
