from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, AsyncGenerator, Generator

from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine, async_scoped_session
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlmodel import Session as ModelSession

engine = create_engine("sqlite://")
async_engine = create_async_engine("sqlite+aiosqlite://")
SessionLocal = sessionmaker(bind=engine)
AsyncSessionLocal = async_sessionmaker(async_engine, class_=AsyncSession)


def get_db() -> Generator[Session, None, None]:
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


async def get_async_db() -> AsyncGenerator[AsyncSession, None]:
    async with AsyncSessionLocal() as session:
        yield session


def get_model_db():
    with ModelSession(engine) as s:
        yield s


DbDep = Annotated[AsyncSession, Depends(get_async_db)]
SyncDep = Annotated[Session, Depends(get_db)]


class Database:
    def __init__(self, url):
        self.engine = create_async_engine(url)
        self.maker = async_sessionmaker(self.engine)

    @asynccontextmanager
    async def session(self):
        s = self.maker()
        try:
            yield s
            await s.commit()
        except Exception:
            await s.rollback()
            raise
        finally:
            await s.close()

    async def get_session(self):
        async with self.maker() as s:
            yield s


database = Database("sqlite+aiosqlite://")
