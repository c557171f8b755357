"""Shapes of faults that real projects have had and mended."""
import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from cases.lookup import Books, Encyclopedia, ask, chat


@asynccontextmanager
async def lifespan(app: FastAPI):
    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    app.state.sessions = async_sessionmaker(engine)
    app.state.orchestrator = Orchestrator()
    yield
    await engine.dispose()


async def get_db(request: Request):
    session = request.app.state.sessions()
    try:
        yield session
    finally:
        await session.close()


async def guard(request: Request):
    session = request.app.state.sessions()  # want neverended error
    return await session.scalar("select role")


async def get_ctx(request: Request):
    async with request.app.state.sessions() as session:
        yield session


class Orchestrator:
    def __init__(self):
        self.surfaces = []

    async def retrieve(self, title, session: AsyncSession):
        tasks = []
        if title:
            tasks.append(Encyclopedia(session=session).lookup(title))
        tasks.append(Books(session=session).lookup(title))
        return await asyncio.gather(*tasks, return_exceptions=True)  # want sessionspawned error

    async def search(self, query, db: AsyncSession):
        tasks = [self.run_surface(surface, query=query, db=db) for surface in self.surfaces]
        return await asyncio.gather(*tasks, return_exceptions=True)  # want sessionspawned error

    async def run_surface(self, surface, *, query, db):
        return await surface.search(query, db)


async def clean(app: FastAPI):
    async with app.state.sessions() as session:
        await asyncio.gather(  # want sessionspawned error
            session.execute("delete from metrics where finished"),
            session.execute("delete from metrics where old"),
        )


async def redirect(code, db: AsyncSession = Depends(get_db)):
    asyncio.create_task(record_click(db, code))  # want sessionspawned error
    return code


async def record_click(db: AsyncSession, code):
    await db.execute(code)
    await db.commit()


async def reindex(tasks: BackgroundTasks, session: AsyncSession = Depends(get_db)):
    node = await session.get(object, 1)
    tasks.add_task(save_history, node=node, session=session)  # want sessionspawned error


async def save_history(node, session: AsyncSession):
    session.add(node)


async def stream(question, db: AsyncSession = Depends(get_db)):
    return StreamingResponse(chat(question, db), media_type="text/event-stream")  # want sessionspawned warning


async def answer(request: Request, question):
    async with request.app.state.sessions() as session:
        row = await session.get(object, question)
        return await ask(row)  # want waitholding warning


async def answer_after(request: Request, question):
    async with request.app.state.sessions() as session:
        row = await session.get(object, question)
    return await ask(row)


async def through_app(request: Request, db: AsyncSession = Depends(get_ctx)):
    orchestrator = request.app.state.orchestrator
    orchestrator.db = db  # want sessionstored error
