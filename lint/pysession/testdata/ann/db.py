from contextlib import asynccontextmanager
from typing import AsyncGenerator, AsyncIterator, Generator

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from thirdparty import pool, build


async def get_db() -> AsyncGenerator[AsyncSession, None]:
    async with pool.acquire() as session:
        yield session


@asynccontextmanager
async def scope() -> AsyncIterator[AsyncSession]:
    async with pool.acquire() as session:
        yield session


def get_sync() -> Generator[Session, None, None]:
    yield from pool.sessions()


def make() -> AsyncSession:
    return build()


class Manager:
    async def get_session(self) -> AsyncSession:
        return await build()

    def session(self) -> AsyncIterator[AsyncSession]:
        return pool.sessions()
