from sqlalchemy.ext.asyncio import AsyncSession


class Supervisor:
    def __init__(self):
        self.db_session = None

    async def run(self, text):
        return await self.db_session.execute(text)

    def attach(self, session: AsyncSession):
        self.db_session = session


class Repo:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def all(self):
        return await self.session.execute("select 1")


class Owner:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def close(self):
        await self.session.close()


supervisor = Supervisor()
