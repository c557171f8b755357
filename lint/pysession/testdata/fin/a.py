import asyncio
from fastapi import Depends, FastAPI, BackgroundTasks
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("x"))


async def get_db():
    session = maker()
    try:
        yield session
        await session.commit()
    except:
        await session.rollback()
        raise
    finally:
        await session.close()


class Repo:
    def __init__(self, db: AsyncSession = Depends(get_db)):
        self.db = db  # want sessionstored info

    async def one(self, i):
        return await self.db.get(object, i)


class Service:
    def __init__(self, repo: Repo = Depends(), tasks: BackgroundTasks = None):
        self.repo = repo

    async def many(self, ids):
        return await asyncio.gather(*[self.repo.one(i) for i in ids])  # want sessionspawned error

    async def fire(self, i):
        asyncio.create_task(self.repo.one(i))  # want sessionspawned error

    async def label(self):
        return "label"

    async def fire_self(self, i):
        asyncio.create_task(self.later(i))

    async def later(self, i):
        await self.repo.one(i)


async def endpoint(service: Service = Depends()):
    await service.many([1])
    await service.fire(1)


async def endpoint2(tasks: BackgroundTasks, service: Service = Depends(), repo: Repo = Depends(Repo)):
    tasks.add_task(service.later, 1)  # want sessionspawned error
    tasks.add_task(repo.one, 1)  # want sessionspawned error
    tasks.add_task(service.label)


class Direct:
    def __init__(self, db: AsyncSession):
        self.db = db  # want sessionstored info

    async def many(self, ids):
        return await asyncio.gather(*[self.db.get(object, i) for i in ids])  # want sessionspawned error

    async def two(self):
        return await asyncio.gather(self.a(), self.b())  # want sessionspawned error

    async def a(self):
        return await self.db.scalar("a")

    async def b(self):
        return await self.db.scalar("b")

    async def mixed(self, other):
        return await asyncio.gather(self.a(), other(), self.label())

    async def label(self):
        return "label"
