import asyncio

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from ann.db import Manager, get_db, get_sync, make, scope

keeper = object()
manager = Manager()


async def a():
    async for s in get_db():
        return await s.execute("x")  # want providerexit error


async def b():
    async with scope() as s:
        keeper.s = s  # want sessionstored error


async def c(s=Depends(get_db)):
    asyncio.create_task(s.execute("x"))  # want sessionspawned error


async def d(s=Depends(get_sync)):
    keeper.s = s  # want sessionstored error


async def e():
    s = make()
    keeper.s = s  # want sessionstored error


async def f():
    s = await manager.get_session()
    await asyncio.gather(s.execute("x"), s.execute("y"))  # want sessionspawned error


async def g(request):
    s: AsyncSession = request.app.thing.open()
    asyncio.create_task(s.execute("x"))  # want sessionspawned error
