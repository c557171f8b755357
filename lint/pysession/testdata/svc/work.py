from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


async def fetch(session: AsyncSession, ident):
    return await session.get(object, ident)


def use(db: Session, ident=0):
    db.execute("x")


class Repo:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def one(self, ident):
        return await self.session.get(object, ident)
