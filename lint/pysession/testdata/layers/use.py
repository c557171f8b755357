import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends

from layers import get_session, manager, second
from layers.store import as_manager, get_open, give_open, third


class Holder:
    session = None


holder = Holder()


async def by_layers(db=Depends(second)):
    holder.session = db  # want sessionstored error


async def by_export(db=Depends(get_session)):
    holder.session = db  # want sessionstored error


async def by_method(db=Depends(manager.provide)):
    holder.session = db  # want sessionstored error


async def by_call(db=Depends(manager)):
    holder.session = db  # want sessionstored error


async def by_wrapped():
    async with as_manager() as db:
        holder.session = db  # want sessionstored error


async def by_wrapped_here():
    async with asynccontextmanager(third)() as db:
        asyncio.create_task(db.commit())  # want sessionspawned error


async def never_given_back():
    db = await get_open()  # want neverended error
    await db.execute("x")


async def dependency(db=Depends(give_open)):
    await db.execute("x")


async def unknown_work(service, db=Depends(second)):
    asyncio.create_task(service.process(db))  # want sessionspawned error


async def unknown_gather(service, db=Depends(second)):
    await asyncio.gather(service.one(db), service.two(db))  # want sessionspawned error


async def unknown_later(service, tasks: BackgroundTasks, db=Depends(second)):
    tasks.add_task(service.process, db)  # want sessionspawned error


class Handler:
    def __init__(self, service):
        self.service = service
        self.tasks = set()

    async def handle(self, db=Depends(second)):
        task = asyncio.create_task(self.service.process(db))  # want sessionspawned error
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle_later(self, db=Depends(second)):
        asyncio.create_task(self.work(db))  # want sessionspawned error

    async def work(self, db):
        await db.execute("x")

    async def in_loop(self):
        while True:
            async for db in second():
                try:
                    await db.execute("x")
                    break  # want providerexit error
                except ValueError:
                    continue

    async def parallel_tools(self, calls, db=Depends(second)):
        async def run(call):
            return await self.service.tool(call, db)

        return await asyncio.gather(*[run(c) for c in calls], return_exceptions=True)  # want sessionspawned error
