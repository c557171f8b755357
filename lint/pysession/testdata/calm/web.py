import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, AsyncIterator

import aiohttp
import boto3
import requests
from celery import Task
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from pydantic import BaseModel

from calm.core import AsyncLocal, Repo, Scoped, SessionLocal, scope

db = SQLAlchemy()


async def get_db() -> AsyncIterator[AsyncSession]:
    async with AsyncLocal() as session:
        yield session


Dep = Annotated[AsyncSession, Depends(get_db)]


def get_repo(session: Dep) -> Repo:
    return Repo(session)


class Service:
    def __init__(self, repo: Annotated[Repo, Depends(get_repo)], session: Dep):
        self.repo = repo
        self.session = session

    async def run(self):
        self.current = await self.repo.one(1)
        return self.current


async def endpoint(service: Annotated[Service, Depends(Service)]):
    return await service.run()


class Mailing:
    def __init__(self, session: Dep, mailer):
        self.session = session
        self.users = Repo(session)
        self.mailer = mailer

    async def send(self, address):
        await self.mailer.send(self.subject(), address)

    def subject(self):
        return "hello"

    async def all(self):
        return await self.users.one(1)


async def sends_later(tasks: BackgroundTasks, session: Dep, mailer):
    mailing = Mailing(session, mailer)
    users = await mailing.all()
    tasks.add_task(mailing.send, users[0])
    asyncio.create_task(mailing.send(users[0]))


class Loaders:
    def __init__(self, session: AsyncSession):
        self.users = Repo(session)
        self.items = Repo(session)


async def graphql(request: Request, session: Dep):
    return {"session": session, "loaders": Loaders(session)}


async def middleware(handler, event, data):
    async with AsyncLocal() as session:
        data["session"] = session
        return await handler(event, data)


async def http_middleware(request: Request, call_next):
    request.state.db = AsyncLocal()
    try:
        return await call_next(request)
    finally:
        await request.state.db.close()


async def two_sessions():
    async with AsyncLocal() as a, AsyncLocal() as b:
        await asyncio.gather(a.execute("x"), b.execute("y"))


async def one_only(session: Dep):
    await asyncio.gather(session.execute("x"), asyncio.sleep(1))


async def group_one(session: Dep):
    async with asyncio.TaskGroup() as tg:
        tg.create_task(session.execute("x"))
        tg.create_task(asyncio.sleep(1))


async def later_awaited(session: Dep):
    task = asyncio.create_task(session.execute("x"))
    try:
        await asyncio.sleep(0)
    finally:
        await task


async def list_awaited(session: Dep, ids):
    tasks = []
    tasks.append(asyncio.create_task(session.execute("x")))
    for t in tasks:
        await t


async def background(tasks: BackgroundTasks, session: Dep):
    user = await session.get(object, 1)
    tasks.add_task(job, user.id)


async def job(ident):
    async with AsyncLocal() as session:
        await session.get(object, ident)


async def stream():
    async def body():
        async with AsyncLocal() as s:
            async for row in await s.stream("x"):
                yield row
    return StreamingResponse(body())


async def gather_factory(ids):
    async def one(i):
        async with AsyncLocal() as s:
            return await s.get(object, i)
    return await asyncio.gather(*(one(i) for i in ids))


def threads(ids):
    def work(i):
        with SessionLocal() as s:
            s.get(object, i)
    ts = [threading.Thread(target=work, args=(i,)) for i in ids]
    for t in ts:
        t.start()


def joined_thread(session: Session):
    t = threading.Thread(target=session.execute, args=("x",))
    t.start()
    t.join()


async def executor(session: Session):
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, session.execute, "x")
    fut = loop.run_in_executor(None, session.execute, "x")
    await fut


async def run_sync(session: Dep):
    return await session.run_sync(lambda s: s.query(object).all())


class Client:
    def __init__(self):
        self.session = requests.Session()
        self.aws = boto3.Session()

    async def open(self):
        self.http = aiohttp.ClientSession()


client = Client()


async def client_session():
    client.session = requests.Session()
    async with aiohttp.ClientSession() as session:
        client.http = session
        asyncio.create_task(session.get("x"))


class DatabaseTask(Task):
    _session = None

    @property
    def session(self):
        if self._session is None:
            self._session = Scoped()
        return self._session

    def after_return(self, *a):
        Scoped.remove()


def flask_view():
    db.session.add(object())
    db.session.commit()
    keeper.session = db.session


class Keeper:
    session = None


keeper = Keeper()


@dataclass
class Deps:
    session: AsyncSession
    user: str


class Params(BaseModel):
    user: str


async def agent(session: Dep):
    deps = Deps(session=session, user="x")
    return await run_agent(deps)


async def run_agent(deps: Deps):
    return await deps.session.get(object, 1)


async def ws(sock: WebSocket):
    async with AsyncLocal() as session:
        sock.state.db = session
        await sock.receive_text()


async def lifespan(app: FastAPI):
    app.state.sessions = AsyncLocal
    yield


def parameter_only(x, session):
    x.session = session


async def loop_provider():
    async for session in get_db():
        for i in range(3):
            if i:
                break
            await session.get(object, i)


def sync_loop():
    for s in sync_provider():
        return s.execute("x")


def sync_provider():
    with SessionLocal() as s:
        yield s


async def sequential(session: Dep):
    await asyncio.wait_for(asyncio.sleep(1), 3)
    for i in range(3):
        await asyncio.create_task(session.get(object, i))


async def cancelled(session: Dep):
    t = asyncio.create_task(session.get(object, 1))
    t.cancel()
    try:
        await t
    except asyncio.CancelledError:
        pass


async def not_started(session: Dep):
    coro = session.get(object, 1)
    return await coro


class Worker:
    def __init__(self, session_factory):
        self.session_factory = session_factory
        self.tasks = []

    async def start(self):
        self.tasks.append(asyncio.create_task(self.loop()))

    async def loop(self):
        while True:
            async with self.session_factory() as s:
                await s.execute("x")


worker = Worker(AsyncLocal)


async def returned_task(session: Dep):
    return asyncio.create_task(session.get(object, 1))


class Batch:
    """Made for one request, and gone with it."""

    def __init__(self, session: AsyncSession):
        self.session = session
        self.repos = {}
        self.seen = []

    def repo(self, name):
        if name not in self.repos:
            self.repos[name] = Repo(self.session)
        return self.repos[name]

    def note(self):
        self.seen.append(Repo(self.session))
        self.last = Repo(self.session)


async def batch(session: Dep):
    b = Batch(session)
    b.note()
    return b.repo("x")
