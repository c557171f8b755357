"""The failure that reeve began with, as small as it can be told."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

sessions = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


class Supervisor:
    def __init__(self) -> None:
        self.db_session: AsyncSession | None = None

    async def run(self, text: str) -> None:
        await asyncio.sleep(1)
        await self.db_session.execute(text)


supervisor = Supervisor()


async def audit(db_session: AsyncSession, text: str) -> None:
    await db_session.execute(text)


async def handle(text: str) -> None:
    async with sessions() as db_session:
        supervisor.db_session = db_session
        asyncio.create_task(supervisor.run(text))
        asyncio.create_task(audit(db_session, text))
