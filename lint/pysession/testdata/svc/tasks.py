import asyncio
import functools

from fastapi import BackgroundTasks
from fastapi.responses import StreamingResponse

from svc.agents import manager
from svc.db import AsyncSessionLocal, DbDep
from svc.work import Repo, fetch


async def gather_comp(db: DbDep, ids):
    return await asyncio.gather(*(fetch(db, i) for i in ids))  # want sessionspawned error


async def gather_methods(db: DbDep):
    repo = Repo(db)
    return await asyncio.gather(repo.one(1), repo.one(2))  # want sessionspawned error


async def gather_two_repos(db: DbDep):
    a, b = Repo(db), Repo(db)
    return await asyncio.gather(a.one(1), b.one(2))  # want sessionspawned error


async def gather_direct(db: DbDep):
    x, y = await asyncio.gather(db.execute("1"), db.execute("2"))  # want sessionspawned error
    return x, y


async def gather_mixed(db: DbDep):
    await asyncio.gather(fetch(db, 1), db.scalar("2"), return_exceptions=True)  # want sessionspawned error


async def gather_map(db: DbDep, ids):
    await asyncio.gather(*map(lambda i: fetch(db, i), ids))  # want sessionspawned error


async def gather_tasks(db: DbDep, ids):
    tasks = [asyncio.create_task(fetch(db, i)) for i in ids]
    await asyncio.gather(*tasks)  # want sessionspawned error


async def gather_own(ids):
    async with AsyncSessionLocal() as db:
        async def one(i):
            return await db.get(object, i)
        await asyncio.gather(*[one(i) for i in ids])  # want sessionspawned error


async def wait_set(db: DbDep):
    t1 = asyncio.create_task(fetch(db, 1))
    t2 = asyncio.create_task(fetch(db, 2))
    await asyncio.wait({t1, t2})  # want sessionspawned error


async def group(db: DbDep, ids):
    async with asyncio.TaskGroup() as tg:
        for i in ids:
            tg.create_task(fetch(db, i))  # want sessionspawned error


async def group_two(db: DbDep):
    async with asyncio.TaskGroup() as tg:
        tg.create_task(fetch(db, 1))
        tg.create_task(fetch(db, 2))  # want sessionspawned error


async def create(db: DbDep):
    asyncio.create_task(fetch(db, 1))  # want sessionspawned error


async def create_kept(db: DbDep):
    t = asyncio.create_task(fetch(db, 1))  # want sessionspawned error
    manager.contexts["t"] = t


async def create_keyword(db: DbDep):
    asyncio.create_task(coro=fetch(session=db, ident=1))  # want sessionspawned error


async def create_loop(db: DbDep):
    loop = asyncio.get_event_loop()
    loop.create_task(fetch(db, 1))  # want sessionspawned error


async def ensure(db: DbDep):
    asyncio.ensure_future(fetch(db, 1))  # want sessionspawned error


async def nested(db: DbDep):
    async def later():
        await asyncio.sleep(5)
        await db.commit()

    asyncio.create_task(later())  # want sessionspawned error


async def method_task(db: DbDep):
    repo = Repo(db)
    asyncio.create_task(repo.one(1))  # want sessionspawned error


async def added(tasks: BackgroundTasks, db: DbDep):
    tasks.add_task(fetch, db, 1)  # want sessionspawned error


async def added_kw(tasks: BackgroundTasks, db: DbDep):
    tasks.add_task(fetch, session=db, ident=1)  # want sessionspawned error


async def added_partial(tasks: BackgroundTasks, db: DbDep):
    tasks.add_task(functools.partial(fetch, db), 1)  # want sessionspawned error


async def added_lambda(tasks: BackgroundTasks, db: DbDep):
    tasks.add_task(lambda: fetch(db, 1))  # want sessionspawned error


async def added_closure(tasks: BackgroundTasks, db: DbDep):
    async def job():
        await db.execute("x")

    tasks.add_task(job)  # want sessionspawned error


class Report:
    def __init__(self, session):
        repo = Repo(session)
        self.repo = repo

    async def build(self):
        return await self.rows()

    async def rows(self):
        return await self.repo.one(1)


async def added_indirect(tasks: BackgroundTasks, db: DbDep):
    report = Report(db)
    tasks.add_task(report.build)  # want sessionspawned error


async def added_method(tasks: BackgroundTasks, db: DbDep):
    service = Repo(db)
    tasks.add_task(service.one, 1)  # want sessionspawned error


async def streaming(db: DbDep):
    async def body():
        async for row in await db.stream("x"):
            yield row

    return StreamingResponse(body())  # want sessionspawned warning


async def bounded(db: DbDep):
    await asyncio.wait_for(fetch(db, 1), timeout=3)  # want waitholding warning


async def bounded_direct(db: DbDep):
    await asyncio.wait_for(db.execute("x"), timeout=3)  # want waitholding warning


async def bounded_block(db: DbDep):
    async with asyncio.timeout(3):  # want waitholding warning
        await db.execute("x")
