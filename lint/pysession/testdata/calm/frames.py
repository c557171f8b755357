"""Holders that live as long as the call, and tasks that somebody else waits for."""
import asyncio
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from calm.core import AsyncLocal, Repo, SessionLocal, engine
from calm.plugins import injected, pooled

current: ContextVar = ContextVar("current")


def process_request(req, resp, session: Session):
    req.session = session


async def resolver(info, session: AsyncSession):
    info.context.session = session


async def with_context(session: AsyncSession):
    token = current.set(session)
    try:
        await session.execute("x")
    finally:
        current.reset(token)


async def tasks_by_name(session: AsyncSession):
    tasks = {}
    tasks["one"] = asyncio.create_task(session.execute("x"))
    await tasks["one"]


async def passed_on(session: AsyncSession, wait):
    task = asyncio.create_task(session.execute("x"))
    await wait(task)


async def in_callers_group(group: asyncio.TaskGroup, session: AsyncSession):
    group.create_task(session.execute("x"))


async def begun():
    session = AsyncLocal()
    async with session.begin():
        session.add(object())


@injected
async def stored(db, session: AsyncSession):
    return await session.get(object, db)


async def calls_stored(session: AsyncSession):
    return await stored(session)


@pooled
async def given_by():
    async with AsyncLocal() as session:
        yield session


async def uses_given():
    session = await given_by()
    await session.execute("x")


class Command:
    def run(self):
        with SessionLocal() as self.session:
            self.work()

    def work(self):
        self.session.execute("x")


class Service:
    def __init__(self, session: AsyncSession):
        self.repo = Slot()
        self.repo.attach(session)


class Slot:
    session = None

    def attach(self, session):
        self.session = session


async def serve(session: AsyncSession):
    return Service(session).repo.session


def in_turn(ids):
    with ThreadPoolExecutor() as pool:
        def one(ident):
            with SessionLocal() as s:
                return s.get(object, ident)
        for done in as_completed([pool.submit(one, i) for i in ids]):
            done.result()
