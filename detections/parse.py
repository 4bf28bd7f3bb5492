#!/usr/bin/env python3
"""Reads the queries with parsers of their languages.

    parse.py esql|cql|aql QUERY...

esql: Elasticsearch's own grammar (esql-parser). cql: a grammar of LogScale's language (logscale-tools). aql: there is no public grammar, so it is read as SQL (sqlglot) but for its LAST n HOURS.
Exit status: 0 every query is understood, else 1. Each parser is also shown a query that it has to refuse.
"""
import pathlib
import re
import sys


def esql(query):
    from antlr4 import CommonTokenStream, InputStream
    from antlr4.error.ErrorListener import ErrorListener
    from esql_parser.EsqlBaseLexer import EsqlBaseLexer
    from esql_parser.EsqlBaseParser import EsqlBaseParser

    class Listener(ErrorListener):
        def __init__(self):
            self.found = []

        def syntaxError(self, recognizer, symbol, line, column, message, error):
            self.found.append(f"{line}:{column}: {message}")

    listener = Listener()
    lexer = EsqlBaseLexer(InputStream(query))
    parser = EsqlBaseParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(listener)
    parser.singleStatement()
    return listener.found


def cql(query):
    from logscale_query_language import parser

    found, nodes = [], [parser.parse(query).root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            found.append(f"{node.start_point.row + 1}:{node.start_point.column}: {node.type} {node.text.decode()[:40]!r}")
        nodes.extend(node.children)
    return found


def aql(query):
    import sqlglot

    body, count = re.subn(r"\nLAST \d+ HOURS\n*$", "\n", query)
    if count != 1:
        return ["no time frame at the end"]
    try:
        sqlglot.parse_one(body)
    except sqlglot.errors.ParseError as error:
        return [str(error).splitlines()[0]]
    return []


WRONG = {
    "esql": 'FROM a | WHERE x IN ("y"',
    "cql": "#type=x | in(field=, values=[",
    "aql": "SELECT a FROM events WHERE b IN ('c'\nLAST 24 HOURS\n",
}


def main():
    language, *files = sys.argv[1:]
    read = globals()[language] if language in WRONG else sys.exit(__doc__)
    bad = 0
    if not read(WRONG[language]):
        print(f"the parser for {language} finds nothing wrong with {WRONG[language]!r}")
        bad += 1
    for file in files:
        for problem in read(pathlib.Path(file).read_text()):
            print(f"{file}: {problem}")
            bad += 1
    return 1 if bad or not files else 0


sys.exit(main())
