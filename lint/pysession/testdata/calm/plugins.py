def injected(fn):
    async def call(*args, **kwargs):
        return await fn("db", *args, **kwargs)
    return call


def pooled(fn):
    async def call():
        return await anext(fn())
    return call
