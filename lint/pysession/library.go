package pysession

import "strings"

// What the rules know of libraries, by dotted name as imported.

var sessionClasses = map[string]bool{
	"sqlalchemy.orm.Session": false, "sqlalchemy.orm.session.Session": false, "sqlmodel.Session": false,
	"sqlmodel.orm.session.Session": false, "sqlalchemy.ext.asyncio.AsyncSession": true,
	"sqlalchemy.ext.asyncio.session.AsyncSession": true, "sqlmodel.ext.asyncio.session.AsyncSession": true,
}

var factoryClasses = map[string]bool{
	"sqlalchemy.orm.sessionmaker": false, "sqlalchemy.orm.session.sessionmaker": false,
	"sqlalchemy.ext.asyncio.async_sessionmaker": true, "sqlalchemy.ext.asyncio.session.async_sessionmaker": true,
}

var scopedClasses = map[string]bool{
	"sqlalchemy.orm.scoped_session": false, "sqlalchemy.orm.scoping.scoped_session": false,
	"sqlalchemy.ext.asyncio.async_scoped_session": true,
}

// sessionType says whether the library's name is a session class, and whether it is the async one.
func sessionType(name string) (async, ok bool) {
	async, ok = sessionClasses[name]
	return async, ok
}

var dependencies = map[string]bool{
	"fastapi.Depends": true, "fastapi.params.Depends": true, "fastapi.Security": true, "fastapi_injector.Injected": true,
	"dependency_injector.wiring.Provide": true,
}

// backgroundTypes run what they are given after the response, when request sessions have ended.
var backgroundTypes = map[string]bool{
	"fastapi.BackgroundTasks": true, "fastapi.background.BackgroundTasks": true,
	"starlette.background.BackgroundTasks": true,
}

var backgroundTask = map[string]bool{
	"starlette.background.BackgroundTask": true, "fastapi.background.BackgroundTask": true,
}

// taskStarters start a coroutine that runs by itself.
func startsTask(name string) bool {
	return name == "asyncio.create_task" || name == "asyncio.ensure_future" ||
		name == "asyncio.tasks.create_task"
}

func gathers(name string) bool {
	return name == "asyncio.gather" || name == "asyncio.wait" || name == "asyncio.as_completed" || name == "asyncio.tasks.gather"
}

// perRequest are objects that live as long as one request, or that each thread has for
// itself; what hangs on them may be a request's session.
var perRequest = map[string]bool{
	"fastapi.Request": true, "starlette.requests.Request": true, "flask.g": true, "flask.request": true,
	"starlette.requests.HTTPConnection": true, "fastapi.requests.Request": true, "quart.g": true,
	"aiohttp.web.Request": true, "sanic.Request": true, "sanic.request.Request": true, "falcon.Request": true,
	"django.http.HttpRequest": true, "strawberry.types.Info": true, "strawberry.Info": true,
	"threading.local": true, "gevent.local.local": true, "werkzeug.local.Local": true, "asgiref.local.Local": true,
	"litestar.Request": true, "fastapi.WebSocket": true, "fastapi.websockets.WebSocket": true,
	"starlette.websockets.WebSocket": true, "aiogram.types.Message": true,
}

// requestNames are what is commonly called so only where it lives as long as one call;
// an object of the project that a module holds by such a name is not meant.
var requestNames = map[string]bool{
	"request": true, "req": true, "g": true, "ctx": true, "context": true, "info": true, "scope": true,
	"websocket": true, "ws": true, "event": true, "message": true,
}

// processWide are objects that live as long as the process.
var processWide = map[string]bool{
	"fastapi.FastAPI": true, "fastapi.applications.FastAPI": true, "starlette.applications.Starlette": true,
	"flask.Flask": true, "quart.Quart": true, "sanic.Sanic": true, "aiohttp.web.Application": true, "litestar.Litestar": true,
}

// streams send what a generator yields after the function has returned.
var streams = map[string]bool{
	"fastapi.responses.StreamingResponse": true, "starlette.responses.StreamingResponse": true,
	"sse_starlette.EventSourceResponse": true, "sse_starlette.sse.EventSourceResponse": true,
}

// closers are the methods of a session that end it.
func closes(method string) bool {
	return method == "close" || method == "aclose" || method == "invalidate" || method == "close_all" || method == "__exit__" || method == "__aexit__"
}

// sessionMethods are what only a session understands; a provider that is asked for one is misused.
var sessionMethods = map[string]bool{
	"execute": true, "scalar": true, "scalars": true, "query": true, "add": true, "add_all": true, "commit": true,
	"rollback": true, "flush": true, "refresh": true, "merge": true, "delete": true, "get": true, "begin": true,
	"exec": true,
}

// coroutines are the methods of an AsyncSession that have to be awaited.
var coroutines = map[string]bool{
	"execute": true, "scalar": true, "scalars": true, "get": true, "get_one": true, "stream": true, "stream_scalars": true,
	"commit": true, "rollback": true, "flush": true, "refresh": true, "merge": true, "delete": true, "run_sync": true,
	"exec": true,
}

// transparent are decorators under which a call stays the call that it is.
var transparent = map[string]bool{
	"contextmanager": true, "asynccontextmanager": true, "staticmethod": true, "classmethod": true, "property": true,
	"cached_property": true, "wraps": true, "cache": true, "lru_cache": true, "retry": true, "override": true,
	"abstractmethod": true, "overload": true, "final": true, "setter": true, "inject": true, "get": true, "post": true,
	"put": true, "patch": true, "delete": true, "route": true, "websocket": true, "command": true, "on_event": true,
	"exception_handler": true, "middleware": true, "deprecated": true, "timed": true, "traced": true,
}

// timeLimits are context managers that cancel what runs inside them.
var timeLimits = map[string]bool{
	"asyncio.timeout": true, "asyncio.timeout_at": true, "async_timeout.timeout": true,
	"anyio.fail_after": true, "anyio.move_on_after": true, "asyncio.timeouts.timeout": true,
}

// remote are a library's functions that wait for another machine.
var remote = map[string]bool{
	"requests.get": true, "requests.post": true, "requests.put": true, "requests.patch": true, "requests.delete": true,
	"requests.request": true, "httpx.get": true, "httpx.post": true, "httpx.put": true, "httpx.request": true,
	"urllib.request.urlopen": true, "openai.ChatCompletion.create": true, "openai.ChatCompletion.acreate": true,
}

// remoteClients are classes whose methods wait for another machine.
var remoteClients = map[string]bool{
	"httpx.AsyncClient": true, "httpx.Client": true, "aiohttp.ClientSession": true, "requests.Session": true,
	"openai.OpenAI": true, "openai.AsyncOpenAI": true, "anthropic.Anthropic": true, "anthropic.AsyncAnthropic": true,
}

// tail is the last part of a dotted name.
func tail(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
