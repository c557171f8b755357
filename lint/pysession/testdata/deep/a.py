import asyncio
import threading
from typing import Dict, List, Optional

from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.declarative import declarative_base
from sqlalchemy.orm import Session, sessionmaker

engine = create_async_engine("x")
async_session = sessionmaker(bind=engine, class_=AsyncSession, expire_on_commit=False)
sync_engine = create_engine("x")
Local = sessionmaker(autocommit=False, autoflush=False, bind=sync_engine)


async def get_session() -> AsyncSession:
    async with async_session() as session:
        yield session


class ConnectionManager:
    def __init__(self):
        self.active: Dict[str, WebSocket] = {}
        self.sessions: Dict[str, AsyncSession] = {}
        self.db: Optional[AsyncSession] = None

    async def connect(self, ws: WebSocket, key: str, db: AsyncSession):
        await ws.accept()
        self.active[key] = ws
        self.sessions[key] = db

    def disconnect(self, key):
        self.active.pop(key, None)


manager = ConnectionManager()
app = FastAPI()


class Agent:
    def __init__(self, name, db: AsyncSession = None):
        self.name = name
        self.db = db

    async def run(self, text):
        await self.db.execute(text)


class AgentRegistry:
    _agents: Dict[str, Agent] = {}

    @classmethod
    def register(cls, name, agent):
        cls._agents[name] = agent

    @classmethod
    def get(cls, name) -> Agent:
        return cls._agents[name]


class Orchestrator:
    instance = None

    def __init__(self):
        self.agents: List[Agent] = [Agent("a"), Agent("b")]
        self.main = Agent("main")

    async def process(self, message, db: AsyncSession):
        for agent in self.agents:
            agent.db = db  # want sessionstored error
        self.main.db = db  # want sessionstored error
        results = await asyncio.gather(*[agent.run(message) for agent in self.agents])
        return results


orchestrator = Orchestrator()


@app.websocket("/ws/{key}")
async def endpoint(ws: WebSocket, key: str, db: AsyncSession = Depends(get_session)):
    await manager.connect(ws, key, db)  # want sessionstored error
    AgentRegistry.register(key, Agent(key, db))  # want sessionstored error
    AgentRegistry.get(key).db = db  # want sessionstored error
    try:
        while True:
            data = await ws.receive_text()
            await orchestrator.process(data, db)
    except WebSocketDisconnect:
        manager.disconnect(key)


@app.on_event("startup")
async def startup():
    async with async_session() as db:
        app.state.agent = Agent("main", db)  # want sessionstored error
    db2 = async_session()
    app.state.other = Agent("other", db2)  # want sessionstored error


@app.get("/")
async def root(db: AsyncSession = Depends(get_session)):
    async def background():
        await asyncio.sleep(1)
        await db.execute(text("x"))

    loop = asyncio.get_event_loop()
    loop.create_task(background())  # want sessionspawned error
    asyncio.get_running_loop().run_in_executor(None, lambda: sync_work(db))  # want sessionspawned error


def sync_work(db):
    return db


async def cleanup_loop():
    async for db in get_session():
        while True:
            await db.execute(text("x"))
            await asyncio.sleep(60)


def seed():
    db = Local()  # want neverended error
    try:
        if db.query(object).first():
            return
        db.add(object())
        db.commit()
        db.close()
    except Exception:
        db.rollback()


_cache = {}


def cached(key, db: Session = Depends(get_session)):
    if key not in _cache:
        _cache[key] = Agent(key, db)  # want sessionstored error
    return _cache[key]


def make_tool(db: AsyncSession):
    async def tool(q):
        return await db.execute(q)
    return tool


TOOLS = {}


async def install(db: AsyncSession = Depends(get_session)):
    TOOLS["q"] = make_tool(db)  # want sessionstored error
    orchestrator.tool = make_tool(db)  # want sessionstored error
    orchestrator.hook = lambda q: db.execute(q)  # want sessionstored error


class Scheduler:
    def __init__(self, db: Session):
        self.db = db
        self.thread = None

    def start(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    async def begin(self):
        asyncio.create_task(self._loop())

    def stop(self):
        self.thread.join()

    def _run(self):
        self.db.execute(text("x"))

    async def _loop(self):
        self.db.execute(text("x"))


def boot():
    with Local() as db:
        Scheduler(db).start()  # want sessionspawned warning


async def boot_task(db: Session = Depends(get_session)):
    scheduler = Scheduler(db)
    await scheduler.begin()  # want sessionspawned warning


def boot_and_stop():
    with Local() as db:
        scheduler = Scheduler(db)
        scheduler.start()
        scheduler.stop()
