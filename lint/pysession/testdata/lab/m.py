"""More right code: not one error."""
import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, AsyncExitStack
from typing import Any, Callable, Generic, Optional, Protocol, Type, TypeVar

from fastapi import Depends, FastAPI, Request, HTTPException
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker, DeclarativeBase

T = TypeVar("T")
log = logging.getLogger(__name__)


class DatabaseSessionManager:
    def __init__(self, host: str):
        self._engine: Optional[AsyncEngine] = create_async_engine(host)
        self._sessionmaker = async_sessionmaker(self._engine)

    async def close(self):
        await self._engine.dispose()
        self._engine = None
        self._sessionmaker = None

    @asynccontextmanager
    async def session(self):
        if self._sessionmaker is None:
            raise RuntimeError("not initialized")
        session = self._sessionmaker()
        try:
            yield session
        except Exception:
            await session.rollback()
            raise
        finally:
            await session.close()


sessionmanager = DatabaseSessionManager("x")


async def get_db_session():
    async with sessionmanager.session() as session:
        yield session


class SQLAlchemyRepository(Generic[T]):
    model: Type[T]

    def __init__(self, session: AsyncSession):
        self._session = session

    async def get(self, ident):
        return await self._session.get(self.model, ident)

    async def add(self, obj):
        self._session.add(obj)
        await self._session.flush()
        return obj


class UserRepo(SQLAlchemyRepository):
    pass


class UnitOfWork:
    def __init__(self, factory: async_sessionmaker):
        self.session_factory = factory

    async def __aenter__(self):
        self.session = self.session_factory()
        self.users = UserRepo(self.session)
        return self

    async def __aexit__(self, *args):
        await self.rollback()
        await self.session.close()

    async def commit(self):
        await self.session.commit()

    async def rollback(self):
        await self.session.rollback()


class NestedUow:
    """Keeps its session only between enter and exit of what it wraps."""

    def __init__(self, factory: async_sessionmaker):
        self._factory = factory
        self._session: Optional[AsyncSession] = None
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        self._session = await self._stack.enter_async_context(self._factory())
        return self

    async def __aexit__(self, *exc):
        await self._stack.aclose()
        self._session = None


async def handler(uow: UnitOfWork):
    async with uow:
        user = await uow.users.get(1)
        await uow.commit()
        return user


async def worker(queue: asyncio.Queue, factory: async_sessionmaker):
    while True:
        item = await queue.get()
        async with factory() as session:
            session.add(item)
            await session.commit()


async def start(factory: async_sessionmaker):
    queue: asyncio.Queue = asyncio.Queue()
    workers = [asyncio.create_task(worker(queue, factory)) for _ in range(3)]
    await queue.join()
    for w in workers:
        w.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def transactional(fn):
    async def wrapper(self, *args, **kwargs):
        async with self.factory() as session:
            self.session = session
            try:
                return await fn(self, *args, **kwargs)
            finally:
                self.session = None
    return wrapper


class CRUDBase:
    def __init__(self, model):
        self.model = model

    async def get(self, db: AsyncSession, ident):
        return await db.get(self.model, ident)

    async def create(self, db: AsyncSession, *, obj):
        db.add(obj)
        await db.commit()
        return obj


crud_user = CRUDBase(object)


async def read_user(ident: int, db: AsyncSession = Depends(get_db_session)):
    user = await crud_user.get(db, ident)
    if user is None:
        raise HTTPException(404)
    other = await crud_user.create(db, obj=user)
    return other


async def first_of(db: AsyncSession = Depends(get_db_session)):
    async for row in await db.stream("select 1"):
        return row


async def pages(db: AsyncSession):
    offset = 0
    while True:
        rows = await db.execute("x")
        if not rows:
            break
        for row in rows:
            yield row


async def consume(db: AsyncSession):
    async for row in pages(db):
        if row:
            break


class Outbox:
    def __init__(self, session: AsyncSession):
        self.session = session
        self.events = []

    def add(self, event):
        self.events.append(event)
        self.session.add(event)


class EventBus:
    def __init__(self):
        self.handlers = {}

    def subscribe(self, name, handler):
        self.handlers.setdefault(name, []).append(handler)

    async def publish(self, event, session: AsyncSession):
        for h in self.handlers.get(event, []):
            await h(event, session)


bus = EventBus()


async def on_created(event, session: AsyncSession):
    outbox = Outbox(session)
    outbox.add(event)
    await bus.publish(event, session)


bus.subscribe("created", on_created)


class RequestContext:
    def __init__(self, request: Request, session: AsyncSession):
        self.request = request
        self.session = session
        self.services: dict = {}

    def service(self, cls):
        if cls not in self.services:
            self.services[cls] = cls(self.session)
        return self.services[cls]


async def context(request: Request, session: AsyncSession = Depends(get_db_session)):
    ctx = RequestContext(request, session)
    request.state.context = ctx
    return ctx


async def use_context(ctx: RequestContext = Depends(context)):
    repo = ctx.service(UserRepo)
    ctx.current = await repo.get(1)
    ctx.repo = repo
    return ctx.current


def retry_loop(factory: sessionmaker):
    for attempt in range(3):
        session = factory()
        try:
            session.execute("x")
            session.commit()
            return True
        except ValueError:
            session.rollback()
            continue
        finally:
            session.close()
    return False


def batches(factory: sessionmaker, ids):
    session = factory()
    try:
        for i, ident in enumerate(ids):
            session.get(object, ident)
            if i % 100 == 0:
                session.commit()
                session.close()
                session = factory()
        session.commit()
    finally:
        session.close()


def optional_session(factory: sessionmaker, session: Optional[Session] = None):
    close = False
    if session is None:
        session = factory()
        close = True
    try:
        return session.execute("x")
    finally:
        if close:
            session.close()


def with_commit(factory: sessionmaker):
    with factory.begin() as session:
        session.add(object())


def with_nested(factory: sessionmaker):
    with factory() as session, session.begin():
        session.add(object())
        with session.begin_nested():
            session.add(object())


def executor_each(factory: sessionmaker, ids):
    def one(ident):
        with factory() as session:
            return session.get(object, ident)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, ids))


async def in_thread(session: Session):
    return await asyncio.to_thread(session.execute, "x")


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with sessionmanager.session() as session:
        await session.execute("create table")
    app.state.manager = sessionmanager
    yield
    await sessionmanager.close()


class Plugin(Protocol):
    session: AsyncSession


def session_factory(engine) -> Callable[[], AsyncSession]:
    return async_sessionmaker(engine)


async def shielded(session: AsyncSession):
    await asyncio.shield(session.commit())


async def timed(factory):
    async with asyncio.timeout(5):
        async with factory() as session:
            await session.execute("x")


async def wait_own(factory: async_sessionmaker):
    async def work():
        async with factory() as session:
            await session.execute("x")

    await asyncio.wait_for(work(), 5)


async def error_path(factory: async_sessionmaker):
    session = factory()
    try:
        await session.execute("x")
    except Exception:
        await session.rollback()
        log.exception("x")
        raise
    else:
        await session.commit()
    finally:
        await session.close()


async def closes_in_except(factory: async_sessionmaker):
    session = factory()
    try:
        await session.execute("x")
    except BaseException:
        await session.close()
        raise
    await session.close()


def script_main(factory: sessionmaker):
    session = factory()
    try:
        do(session)
    finally:
        cleanup(session)


def do(session):
    session.execute("x")


def cleanup(session):
    log.info("closing")
    session.close()


class Dataset:
    def __init__(self, factory: sessionmaker):
        self._session = factory()

    def __del__(self):
        self._session.close()

    def rows(self):
        return self._session.execute("x")


class Lazy:
    def __init__(self, factory: sessionmaker):
        self.factory = factory
        self._session = None

    @property
    def session(self):
        if self._session is None:
            self._session = self.factory()
        return self._session

    def close(self):
        if self._session is not None:
            self._session.close()
            self._session = None


async def tool_calls(factory: async_sessionmaker, calls):
    async def run(call):
        async with factory() as session:
            return await session.get(object, call)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(c)) for c in calls]
    return [t.result() for t in tasks]


async def sequential(session: AsyncSession, ids):
    return [await session.get(object, i) for i in ids]


async def one_task(session: AsyncSession):
    task = asyncio.create_task(session.get(object, 1))
    done, _ = await asyncio.wait([task], timeout=5)
    return done


async def race(session: AsyncSession, stop: asyncio.Event):
    work = asyncio.create_task(session.get(object, 1))
    halt = asyncio.create_task(stop.wait())
    await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
