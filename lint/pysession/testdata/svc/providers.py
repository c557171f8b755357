from svc.db import database, get_async_db, get_db


async def lookup(ident):
    async for db in get_async_db():
        row = await db.get(object, ident)
        if row is None:
            return None  # want providerexit error
        return row  # want providerexit error


async def hand_out():
    async for db in get_async_db():
        return db  # want providerexit error


async def via_method():
    async for db in database.get_session():
        return await db.execute("x")  # want providerexit error


async def in_try():
    async for db in get_async_db():
        try:
            return await db.execute("x")  # want providerexit error
        finally:
            await db.close()


async def from_anext():
    db = await anext(get_async_db())  # want providerexit error
    await db.execute("x")


async def from_dunder():
    db = await get_async_db().__anext__()  # want providerexit error
    await db.execute("x")


def from_next():
    db = next(get_db())  # want providerexit error
    db.execute("x")


def from_next_closed():
    db = next(get_db())
    try:
        db.execute("x")
    finally:
        db.close()


async def from_anext_kept():
    gen = get_async_db()
    db = await anext(gen)
    try:
        await db.execute("x")
    finally:
        await gen.aclose()
