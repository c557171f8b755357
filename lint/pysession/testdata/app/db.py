from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker, scoped_session

engine = create_async_engine("postgresql+asyncpg://localhost/app")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
SyncSession = sessionmaker(create_engine("sqlite://"))
Scoped = scoped_session(SyncSession)


async def get_db():
    async with SessionLocal() as session:
        yield session


@asynccontextmanager
async def session_scope():
    async with SessionLocal() as session:
        yield session
