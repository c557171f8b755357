from sqlmodel import Session, create_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlalchemy.ext.asyncio import create_async_engine, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import sessionmaker, scoped_session
import asyncio

engine = create_engine("sqlite://")
aengine = create_async_engine("sqlite+aiosqlite://")
AsyncMaker = sessionmaker(aengine, class_=AsyncSession, expire_on_commit=False)
maker = sessionmaker(engine)
ThreadScoped = scoped_session(maker)
TaskScoped = async_scoped_session(async_sessionmaker(aengine), scopefunc=asyncio.current_task)


def get_session():
    with Session(engine) as session:
        yield session


async def get_async():
    async with AsyncSession(aengine) as session:
        yield session


async def init():
    async with AsyncMaker() as session:
        yield session
