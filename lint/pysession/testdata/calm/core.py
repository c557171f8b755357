from __future__ import annotations
import threading
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Optional

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine, AsyncSession
from sqlalchemy.orm import Session as SASession, scoped_session, sessionmaker
from alembic import op
from flask import g

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(engine)
AsyncLocal = async_sessionmaker(create_async_engine("x"))
Scoped = scoped_session(SessionLocal)
local = threading.local()


def provide(func):
    def wrapper(*args, **kwargs):
        if "session" in kwargs:
            return func(*args, **kwargs)
        with SessionLocal() as session:
            return func(*args, session=session, **kwargs)
    return wrapper


def maybe(session: Optional[SASession] = None):
    own = session is None
    if own:
        session = SessionLocal()
    try:
        return session.execute("x")
    finally:
        if own:
            session.close()


def maybe_or(session=None):
    db = session or SessionLocal()
    try:
        return db.execute("x")
    finally:
        if session is None:
            db.close()


@contextmanager
def scope(session: Optional[SASession] = None):
    if session is not None:
        yield session
        return
    s = SessionLocal()
    try:
        yield s
        s.commit()
    except BaseException:
        s.rollback()
        raise
    finally:
        s.close()


def per_thread():
    if not hasattr(local, "session"):
        local.session = SessionLocal()
    return local.session


def per_request():
    if "db" not in g:
        g.db = SessionLocal()
    return g.db


def migration():
    session = SASession(bind=op.get_bind())
    session.execute("x")
    session.commit()


def on_connection():
    with engine.connect() as conn:
        session = SASession(bind=conn)
        session.execute("x")
        session.commit()


def on_unknown_connection(connection):
    session = SASession(bind=connection)
    return session.execute("x")


def stacked():
    with ExitStack() as stack:
        db = stack.enter_context(SessionLocal())
        db.execute("x")


async def stacked_async():
    async with AsyncExitStack() as stack:
        db = AsyncLocal()
        stack.push_async_callback(db.close)
        await db.execute("x")
        other = await stack.enter_async_context(AsyncLocal())
        await other.execute("x")


def closed():
    with closing(SessionLocal()) as db:
        db.execute("x")


class ThreadLocalStore:
    def __init__(self):
        self._local = threading.local()

    def get(self):
        if getattr(self._local, "session", None) is None:
            self._local.session = SessionLocal()
        return self._local.session


class Registry:
    def __init__(self):
        self.open = {}

    def start(self, key):
        self.open[key] = SessionLocal()
        return self.open[key]

    def stop(self, key):
        self.open.pop(key).close()


class Registry2:
    def __init__(self):
        self.open = []

    def add(self, session: SASession):
        self.open.append(session)

    def stop(self):
        for s in self.open:
            s.close()


registry2 = Registry2()


def give(session: SASession):
    registry2.add(session)


class UnitOfWork:
    def __init__(self, factory=SessionLocal):
        self.factory = factory

    def __enter__(self):
        self.session = self.factory()
        self.items = Repo(self.session)
        return self

    def __exit__(self, *a):
        self.session.close()


class AsyncUnitOfWork:
    async def __aenter__(self):
        self._session = AsyncLocal()
        self.items = Repo(self._session)
        return self

    async def __aexit__(self, kind, *a):
        if kind:
            await self._session.rollback()
        await self._session.close()


class WithUnit:
    def __enter__(self):
        self._ctx = SessionLocal()
        self.session = self._ctx.__enter__()
        return self

    def __exit__(self, *a):
        return self._ctx.__exit__(*a)


class Repo:
    def __init__(self, session):
        self.session = session

    def all(self):
        return self.session.execute("x")

    async def one(self, ident):
        return await self.session.get(object, ident)


class Migrator:
    base: Optional[Keeper] = None

    def __init__(self, session: SASession):
        self.session = session
        self.base = Keeper()
        self.base.session = session


class Keeper:
    session: Optional[SASession] = None


def migrate(session: SASession):
    Migrator(session).base.session.execute("x")


class Registered:
    def __init__(self, factory: sessionmaker, registry):
        self.factory = factory
        self.registry = registry

    def get(self, **kw):
        if kw:
            s = self.factory(**kw)
            self.registry.set(s)
        else:
            s = self.registry()
        return s


def uow():
    with UnitOfWork() as u:
        u.items.all()


class Context:
    session: SASession = None
    user = None


def make_context(session: SASession):
    ctx = Context()
    ctx.session = session
    ctx.repo = Repo(session)
    return ctx


def fill_context(ctx: Context, session: SASession):
    ctx.session = session


def caller_fills():
    with SessionLocal() as s:
        ctx = Context()
        fill_context(ctx, s)
        return ctx.user
