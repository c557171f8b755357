"""Reads Python files from stdin and prints the shape of each as one line of JSON.

A file comes as a line of JSON, {"path": ..., "bytes": n}, and then n bytes of
source. What goes out keeps names, calls, control flow and annotations, and
leaves out constants, operators and text. The shapes are told in node.go.
"""
import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)


def at(node):
    return node.lineno, node.col_offset + 1


def exprs(nodes):
    return [expr(n) for n in nodes]


def parts(tag, nodes):
    """What is left of a node that is only looked through: None when nothing is."""
    kept = [e for e in exprs(nodes) if isinstance(e, list)]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else [tag] + kept


def call(n):
    if named(n, "getattr", 2):
        return [".", expr(n.args[0]), text_of(n.args[1])]
    if named(n, "getattr", 3):
        return ["or", [".", expr(n.args[0]), text_of(n.args[1])], expr(n.args[2])]
    args = [["*", expr(a.value)] if type(a) is ast.Starred else expr(a) for a in n.args]
    return ["()", n.lineno, n.col_offset + 1, expr(n.func), args, [[k.arg, expr(k.value)] for k in n.keywords]]


def comprehension(n):
    elements = [n.key, n.value] if type(n) is ast.DictComp else [n.elt]
    loops = [[int(g.is_async), expr(g.target), expr(g.iter)] for g in n.generators]
    return ["for", n.lineno, n.col_offset + 1, exprs(elements), loops]


def constant(n):
    return 0 if n.value is None else None


def text_of(n):
    """The text of a string constant, None for anything else. Before 3.8 it is an ast.Str."""
    value = getattr(n, "value", None) if type(n) is ast.Constant else getattr(n, "s", None)
    return value if type(value) is str else None


def index(n):
    """What stands between the brackets. Before 3.9 it is wrapped."""
    return n.slice.value if type(n.slice).__name__ == "Index" else n.slice


def function_like(n):
    a = n.args
    positional = getattr(a, "posonlyargs", []) + a.args
    defaults = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    params = [parameter(p, d, "p") for p, d in zip(positional, defaults)]
    if a.vararg:
        params.append(parameter(a.vararg, None, "*"))
    params += [parameter(p, d, "k") for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg:
        params.append(parameter(a.kwarg, None, "**"))
    return params


def parameter(p, default, kind):
    return [p.arg, annotation(p.annotation), expr(default) if default is not None else None, kind]


EXPRS = {
    ast.Name: lambda n: n.id,
    ast.Attribute: lambda n: [".", expr(n.value), n.attr],
    ast.Call: call,
    ast.Constant: constant,
    ast.Await: lambda n: ["await", n.lineno, n.col_offset + 1, expr(n.value)],
    ast.Yield: lambda n: ["yield", n.lineno, n.col_offset + 1, expr(n.value) if n.value else None],
    ast.YieldFrom: lambda n: ["yieldfrom", n.lineno, n.col_offset + 1, expr(n.value)],
    ast.Lambda: lambda n: ["lambda", n.lineno, n.col_offset + 1, function_like(n), expr(n.body)],
    ast.Subscript: lambda n: ["idx", expr(n.value), expr(index(n))],
    ast.List: lambda n: ["[]"] + exprs(n.elts),
    ast.Tuple: lambda n: ["[]"] + exprs(n.elts),
    ast.Set: lambda n: ["[]"] + exprs(n.elts),
    ast.Dict: lambda n: ["[]"] + exprs(n.values),
    ast.IfExp: lambda n: ["or", expr(n.body), expr(n.orelse), parts("?", [n.test])],
    ast.BoolOp: lambda n: ["or"] + exprs(n.values),
    ast.Starred: lambda n: ["*", expr(n.value)],
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.DictComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.BinOp: lambda n: parts("?", [n.left, n.right]),
    ast.UnaryOp: lambda n: parts("?", [n.operand]),
    ast.Compare: lambda n: compare(n),
    ast.JoinedStr: lambda n: parts("?", [v.value for v in n.values if type(v) is ast.FormattedValue]),
}
if hasattr(ast, "NamedExpr"):
    EXPRS[ast.NamedExpr] = lambda n: [":=", n.lineno, n.col_offset + 1, expr(n.target), expr(n.value)]
if sys.version_info < (3, 8):
    EXPRS[ast.NameConstant] = constant


def is_none(n):
    return type(n).__name__ in ("Constant", "NameConstant") and n.value is None


def compare(n):
    """Keeps "x is None" and "x is not None", which say what x can be afterwards."""
    if len(n.ops) == 1 and is_none(n.comparators[0]):
        if type(n.ops[0]) in (ast.Is, ast.Eq):
            return ["none", expr(n.left)]
        if type(n.ops[0]) in (ast.IsNot, ast.NotEq):
            return ["some", expr(n.left)]
    return parts("?", [n.left] + n.comparators)


def expr(n):
    lower = EXPRS.get(type(n))
    return lower(n) if lower else None


def annotation(n):
    if n is None:
        return None
    kind = type(n)
    if is_none(n):
        return 0
    if text_of(n) is not None:
        return quoted(text_of(n))
    if kind is ast.BinOp:
        return ["|", annotation(n.left), annotation(n.right)]
    if kind is ast.Subscript:
        inner = index(n)
        items = inner.elts if type(inner) is ast.Tuple else [inner]
        return ["idx", expr(n.value)] + [annotation(i) for i in items]
    return expr(n)


def quoted(value):
    if len(value) > 500:
        return None
    try:
        return annotation(ast.parse(value.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def body(stmts):
    out = []
    for s in stmts:
        lower = STMTS.get(type(s))
        if lower:
            low = lower(s)
            if low is not None:
                out.append(low)
    return out


def define(n):
    return ["def", *at(n), n.name, int(type(n) is ast.AsyncFunctionDef), function_like(n),
            exprs(n.decorator_list), annotation(n.returns), body(n.body), getattr(n, "end_lineno", n.body[-1].lineno)]


def assign(targets, value, n, note=None):
    return ["=", *at(n), exprs(targets), expr(value) if value is not None else None, note, int(value is not None)]


def annotated(n):
    value = n.value
    return ["=", *at(n), [expr(n.target)], expr(value) if value is not None else None, annotation(n.annotation), int(value is not None)]


def imported(n):
    if type(n) is ast.Import:
        return ["import", *at(n), [[a.asname or a.name.split(".")[0], a.name if a.asname else a.name.split(".")[0], None, 0] for a in n.names]]
    return ["import", *at(n), [[a.asname or a.name, n.module or "", a.name, n.level] for a in n.names]]


def named(n, function, count):
    """A call of setattr or getattr that names its attribute."""
    return (type(n) is ast.Call and type(n.func) is ast.Name and n.func.id == function and len(n.args) == count
            and not n.keywords and text_of(n.args[1]) is not None)


def expression(n):
    if named(n.value, "setattr", 3):
        target, name, value = n.value.args
        return ["=", *at(n), [[".", expr(target), text_of(name)]], expr(value), None, 1]
    e = expr(n.value)
    return ["e", *at(n), e] if isinstance(e, list) else None


def with_(n):
    items = [[expr(i.context_expr), expr(i.optional_vars) if i.optional_vars else None] for i in n.items]
    return ["with", *at(n), int(type(n) is ast.AsyncWith), items, body(n.body)]


def for_(n):
    return ["for", *at(n), int(type(n) is ast.AsyncFor), expr(n.target), expr(n.iter), body(n.body), body(n.orelse)]


def try_(n):
    return ["try", *at(n), body(n.body), [body(h.body) for h in n.handlers], body(n.orelse), body(n.finalbody)]


def match(n):
    return ["switch", *at(n), expr(n.subject), [body(c.body) for c in n.cases]]


STMTS = {
    ast.FunctionDef: define,
    ast.AsyncFunctionDef: define,
    ast.ClassDef: lambda n: ["class", *at(n), n.name, exprs(n.bases), exprs(n.decorator_list), body(n.body)],
    ast.Return: lambda n: ["return", *at(n), expr(n.value) if n.value is not None else 0],
    ast.Assign: lambda n: assign(n.targets, n.value, n),
    ast.AugAssign: lambda n: ["e", *at(n), expr(n.value)] if isinstance(expr(n.value), list) else None,
    ast.AnnAssign: annotated,
    ast.Expr: expression,
    ast.If: lambda n: ["if", *at(n), expr(n.test), body(n.body), body(n.orelse)],
    ast.While: lambda n: ["while", *at(n), expr(n.test), body(n.body), body(n.orelse)],
    ast.For: for_,
    ast.AsyncFor: for_,
    ast.With: with_,
    ast.AsyncWith: with_,
    ast.Try: try_,
    ast.Raise: lambda n: ["raise", *at(n), expr(n.exc) if n.exc else None],
    ast.Break: lambda n: ["break", *at(n)],
    ast.Continue: lambda n: ["continue", *at(n)],
    ast.Import: imported,
    ast.ImportFrom: imported,
    ast.Global: lambda n: ["global", *at(n), n.names],
    ast.Assert: lambda n: ["e", *at(n), expr(n.test)] if isinstance(expr(n.test), list) else None,
    ast.Delete: lambda n: ["del", *at(n), exprs(n.targets)],
}
if hasattr(ast, "Match"):
    STMTS[ast.Match] = match
if hasattr(ast, "TryStar"):
    STMTS[ast.TryStar] = try_


def shape(path, source):
    try:
        return told({"path": path, "body": body(ast.parse(source, path).body)})
    except SyntaxError as e:
        return told({"path": path, "error": "line %s: %s" % (e.lineno, e.msg)})
    except (ValueError, RecursionError, MemoryError, LookupError, UnicodeError) as e:
        return told({"path": path, "error": "%s: %s" % (type(e).__name__, e)})


def told(shape):
    return json.dumps(shape, separators=(",", ":")).encode()


def main():
    source, out = sys.stdin.buffer, sys.stdout.buffer
    while True:
        head = source.readline()
        if not head:
            return
        head = json.loads(head)
        out.write(shape(head["path"], source.read(head["bytes"])) + b"\n")
        out.flush()


main()
