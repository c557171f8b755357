import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor

from svc.db import SyncDep
from svc.work import use

pool = ThreadPoolExecutor(4)


async def executor(db: SyncDep):
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, use, db)  # want sessionspawned error


async def executor_partial(db: SyncDep):
    loop = asyncio.get_running_loop()
    loop.run_in_executor(pool, functools.partial(use, db))  # want sessionspawned error


def submit(db: SyncDep):
    pool.submit(use, db)  # want sessionspawned error


def submit_with(db: SyncDep, ids):
    with ThreadPoolExecutor() as ex:
        for i in ids:
            ex.submit(use, db, i)  # want sessionspawned warning


def submit_map(db: SyncDep, ids):
    with ThreadPoolExecutor() as ex:
        list(ex.map(lambda i: use(db, i), ids))  # want sessionspawned warning


def thread(db: SyncDep):
    threading.Thread(target=use, args=(db,)).start()  # want sessionspawned error


def thread_var(db: SyncDep):
    t = threading.Thread(target=use, args=(db,), daemon=True)  # want sessionspawned error
    t.start()


async def to_threads(db: SyncDep):
    await asyncio.gather(asyncio.to_thread(use, db), asyncio.to_thread(use, db))  # want sessionspawned warning
