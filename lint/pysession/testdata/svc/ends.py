from sqlalchemy.ext.asyncio import AsyncSession

from svc.db import AsyncSessionLocal, SessionLocal, async_engine


async def direct_never():
    s = AsyncSession(async_engine)  # want neverended error
    await s.execute("x")


async def direct_inline():
    return await AsyncSessionLocal().execute("x")  # want neverended error


def helper():
    return SessionLocal()


def uses_helper(x):
    db = helper()  # want neverended error
    if db.scalar("x"):
        return 1
    db.close()
    return 2


async def async_helper():
    return AsyncSessionLocal()


async def uses_async_helper():
    db = await async_helper()  # want neverended error
    await db.execute("x")


async def except_path():
    db = AsyncSessionLocal()  # want neverended error
    try:
        await db.execute("x")
    except Exception:
        await db.rollback()
        raise
    await db.close()


async def no_finally():
    db = AsyncSessionLocal()  # want neverended warning
    await db.execute("x")
    await db.commit()
    await db.close()


def registry_of_threads(ids):
    for i in ids:
        s = SessionLocal()  # want neverended warning
        s.get(object, i)
