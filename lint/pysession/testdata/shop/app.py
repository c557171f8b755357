import asyncio
import threading
from functools import partial
from typing import Annotated

import anyio
import typer
from aiohttp import web
from celery import Celery, shared_task
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse

from .base import AsyncMaker, TaskScoped, ThreadScoped, aengine, engine, get_async, get_session, maker

SessionDep = Annotated[Session, Depends(get_session)]
AsyncDep = Annotated[AsyncSession, Depends(get_async)]
celery = Celery()


class UserService:
    """A singleton below."""

    def __init__(self):
        self._session = None
        self.cache = {}
        self._repos = {}

    @property
    def session(self):
        return self._session

    @session.setter
    def session(self, value):
        self._session = value

    def bind(self, session):
        self._session = session
        return self

    def remember(self, key, session):
        self.cache[key] = session

    def repo(self, session):
        self._repos["x"] = Repo(session)

    async def load(self):
        return await self._session.exec(select(object))


class Repo:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def all(self):
        return (await self.session.exec(select(object))).all()


service = UserService()


async def by_property(db: AsyncDep):
    service.session = db  # want sessionstored error
    return await service.load()


async def by_bind(db: AsyncDep):
    return await service.bind(db).load()  # want sessionstored error


async def by_remember(db: AsyncDep):
    service.remember("k", db)  # want sessionstored error


async def by_repo(db: AsyncDep):
    service.repo(db)  # want sessionstored error


def get_service():
    return service


async def by_dependency(db: AsyncDep, svc: Annotated[UserService, Depends(get_service)]):
    svc.bind(db)  # want sessionstored error


async def respond(db: AsyncDep):
    return JSONResponse({}, background=BackgroundTask(audit, db))  # want sessionspawned error


async def audit(db: AsyncSession):
    await db.commit()


async def in_anyio(db: AsyncDep, ids):
    async with anyio.create_task_group() as tg:
        for i in ids:
            tg.start_soon(load_one, db, i)  # want sessionspawned error


async def load_one(db, i):
    return await db.get(object, i)


async def pooled(db: SessionDep):
    await run_in_threadpool(use, db)


def use(db: Session):
    db.exec(select(object))


@celery.task
def job(ident):
    db = maker()  # want neverended warning
    db.get(object, ident)


@shared_task
def job_ok(ident):
    with maker() as db:
        db.get(object, ident)


@celery.task
def job_next(ident):
    db = next(get_session())  # want providerexit error
    db.get(object, ident)


async def handler(request: web.Request):
    request.app["db"] = AsyncMaker()  # want sessionstored error
    async with AsyncMaker() as session:
        request["session"] = session
        return web.Response()


async def thread_scoped():
    ThreadScoped.add(object())  # want sharedscope warning
    ThreadScoped.commit()  # want sharedscope warning


async def task_scoped():
    TaskScoped.add(object())
    await TaskScoped.commit()


async def sockets(ws: WebSocket, db: AsyncDep):
    await ws.accept()
    async def pump():
        while True:
            await db.exec(select(object))
    task = asyncio.create_task(pump())  # want sessionspawned error
    while True:
        await ws.receive_text()


async def sockets_cancel(ws: WebSocket, db: AsyncDep):
    async def pump():
        await db.exec(select(object))
    task = asyncio.create_task(pump())
    try:
        await ws.receive_text()
    finally:
        task.cancel()
        await task


async def concurrent_with_task(db: AsyncDep):
    task = asyncio.create_task(load_one(db, 1))  # want sessionspawned error
    rows = await db.exec(select(object))
    await task
    return rows


class Consumer:
    def __init__(self):
        self.session = AsyncMaker()  # want sessionstored warning

    async def consume(self, message):
        await self.session.get(object, message)


class ClosingConsumer:
    def __init__(self):
        self.session = AsyncMaker()

    async def consume(self, message):
        await self.session.get(object, message)

    async def stop(self):
        await self.session.close()


async def closed_then_used():
    async with AsyncMaker() as db:
        user = await db.get(object, 1)
    await db.refresh(user)  # want usedafterend warning
    return user


def returned_closed():
    db = maker()
    try:
        return db
    finally:
        db.close()


def from_with():
    with Session(engine) as db:
        return db  # want usedafterend error


async def from_async_with():
    async with AsyncMaker() as db:
        return Repo(db)  # want usedafterend warning


def names(db):
    for row in db.exec(select(object)):
        yield row.name


def lazy():
    with Session(engine) as db:
        return names(db)  # want usedafterend error


def not_awaited():
    with maker() as db:
        return audit(db)  # want usedafterend error


cli = typer.Typer()


@cli.command()
def command():
    with Session(engine) as db:
        use(db)


SHARED = AsyncMaker()  # want sessionstored warning


async def uses_shared(ident):
    return await SHARED.get(object, ident)


def partial_thread(db: SessionDep):
    threading.Thread(target=partial(use, db), daemon=True).start()  # want sessionspawned error


def timer(db: SessionDep):
    threading.Timer(5, use, args=[db]).start()  # want sessionspawned error


async def call_later(db: SessionDep):
    asyncio.get_running_loop().call_later(5, use, db)  # want sessionspawned error


async def two_in_one(db: AsyncDep):
    first, second = load_one(db, 1), load_one(db, 2)
    return await asyncio.gather(first, second)  # want sessionspawned error


async def star_dict(db: AsyncDep, names):
    jobs = {n: load_one(db, n) for n in names}
    return await asyncio.gather(*jobs.values())  # want sessionspawned error


async def semaphore(db: AsyncDep, ids):
    sem = asyncio.Semaphore(4)

    async def one(i):
        async with sem:
            return await load_one(db, i)

    return await asyncio.gather(*map(one, ids))  # want sessionspawned error


async def lock(db: AsyncDep, ids):
    guard = asyncio.Lock()

    async def one(i):
        async with guard:
            return await load_one(db, i)

    return await asyncio.gather(*map(one, ids))
