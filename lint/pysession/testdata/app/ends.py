from sqlalchemy.orm import Session

from app.db import SessionLocal, SyncSession


async def never(x):
    session = SessionLocal()  # want neverended error
    await session.execute(x)


def never_sync(x):
    session = SyncSession()  # want neverended warning
    session.execute(x)


def early(x):
    db = SyncSession()  # want neverended error
    if not db.execute(x):
        return None
    db.close()


def early_before_use(x):
    db = SyncSession()  # want neverended warning
    if not x:
        return None
    db.execute(x)
    db.close()


def provider():
    db = SyncSession()  # want neverended error
    yield db
    db.close()


def opener() -> Session:
    return SyncSession()


def through(x):
    db = opener()  # want neverended error
    if db.scalar(x):
        return
    db.close()


def good(x):
    db = SyncSession()
    try:
        if x:
            return db.execute(x)
        raise ValueError
    finally:
        db.close()


def good_provider():
    db = SyncSession()
    try:
        yield db
    finally:
        db.close()


def good_helper(x):
    db = SyncSession()
    db.execute(x)
    finish(db)


def finish(db):
    db.commit()
    db.close()


def good_with(x):
    db = SyncSession()
    with db:
        db.execute(x)


def good_asked(x):
    db = None
    try:
        db = SyncSession()
        db.execute(x)
    finally:
        if db is not None:
            db.close()


def good_handlers(x):
    db = SyncSession()
    try:
        db.execute(x)
        db.commit()
    except ValueError:
        db.rollback()
    finally:
        db.close()


def good_returned():
    db = SyncSession()
    return db


async def good_async(x):
    session = SessionLocal()
    try:
        await session.execute(x)
    finally:
        await session.close()
