"""Everything here is right: not one finding."""
import asyncio
import aiohttp
import requests
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import SessionLocal, get_db, session_scope
from app.supervisor import Owner, Repo, Supervisor, supervisor


async def repo_in_frame():
    async with SessionLocal() as session:
        repo = Repo(session)
        return await repo.all()


async def dependency(db: AsyncSession = Depends(get_db)):
    return Repo(db)


async def fresh_holder():
    async with SessionLocal() as session:
        mine = Supervisor()
        mine.db_session = session
        await mine.run("select 1")


def http():
    supervisor.http_session = requests.Session()


async def http_async():
    async with aiohttp.ClientSession() as session:
        supervisor.session = session
        await asyncio.gather(session.get("a"), session.get("b"))


async def nothing():
    supervisor.db_session = None


def a_factory():
    supervisor.session_factory = SessionLocal


async def each_its_own(xs):
    async def one(x):
        async with SessionLocal() as s:
            await s.execute(x)

    await asyncio.gather(*[one(x) for x in xs])


async def all_of_them():
    async for session in get_db():
        await session.execute("select 1")


async def inner_loop():
    async for session in get_db():
        for x in range(3):
            if x:
                break


async def awaited(session: AsyncSession):
    task = asyncio.create_task(session.execute("select 1"))
    await task


async def lent(session: AsyncSession):
    supervisor.db_session = session
    try:
        await supervisor.run("select 1")
    finally:
        supervisor.db_session = None


async def middleware(request: Request, call_next):
    async with SessionLocal() as session:
        request.state.db = session
        return await call_next(request)


class UnitOfWork:
    async def __aenter__(self):
        self.session = SessionLocal()
        return self

    async def __aexit__(self, *exc):
        await self.session.close()


class Login:
    def __init__(self, session):
        self.session = session


def login(request):
    return Login(request.session)
