import contextlib
from contextlib import asynccontextmanager
from typing import AsyncIterator, Optional

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

factory = None
typed: Optional[async_sessionmaker] = None


def init(url):
    global factory, typed
    engine = create_async_engine(url)
    factory = async_sessionmaker(engine)
    typed = async_sessionmaker(engine)


async def first():
    async with factory() as session:
        yield session


async def second():
    async for session in first():
        yield session


async def third() -> AsyncIterator[AsyncSession]:
    async with typed() as session:
        yield session


as_manager = contextlib.asynccontextmanager(third)


class Manager:
    def __init__(self):
        self.maker = None

    def setup(self, url):
        self.maker = async_sessionmaker(create_async_engine(url))

    @asynccontextmanager
    async def scope(self):
        session = self.maker()
        try:
            yield session
        finally:
            await session.close()

    async def provide(self):
        async with self.scope() as session:
            yield session

    async def open(self) -> AsyncSession:
        return self.maker()

    async def __call__(self):
        async with self.maker() as session:
            yield session


manager = Manager()


async def get_session():
    async with manager.scope() as session:
        yield session


async def get_open():
    return await manager.open()


def give_open():
    return factory()  # want neverended error
