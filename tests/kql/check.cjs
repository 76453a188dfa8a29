// Parses and binds KQL with Microsoft's own parser. It does not execute anything.
// In (stdin): {"schemas": {table: {column: type}}, "queries": {name: text}}
// Out: {name: {"columns": {column: type}, "diagnostics": [{code, severity, message, line, text}]}}
"use strict";
const fs = require("node:fs");

// The package is C# turned into scripts that expect one another as globals, in this order.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;

function* listed(list) {
  for (let i = 0; i < list.Count; i += 1) yield list.getItem(i);
}

function database(schemas) {
  const tables = Object.entries(schemas).map(([name, columns]) => {
    const pairs = Object.entries(columns).map(([column, type]) => `${column}: ${type}`);
    return Symbols.TableSymbol.From(`(${pairs.join(", ")})`).WithName(name);
  });
  return new Symbols.DatabaseSymbol.$ctor1("workspace", tables);
}

function diagnostic(found, text) {
  return {
    code: found.Code,
    severity: found.Severity,
    message: found.Message,
    line: text.slice(0, found.Start).split("\n").length,
    text: text.slice(found.Start, found.Start + found.Length),
  };
}

function answer(code) {
  const type = code.ResultType;
  const columns = type && type.Columns ? [...listed(type.Columns)] : [];
  return Object.fromEntries(columns.map((column) => [column.Name, column.Type.Name]));
}

const { schemas, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const globals = GlobalState.Default.WithDatabase(database(schemas));
const found = Object.entries(queries).map(([name, text]) => {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const diagnostics = [...listed(code.GetDiagnostics())].map((one) => diagnostic(one, text));
  return [name, { columns: answer(code), diagnostics }];
});
process.stdout.write(`${JSON.stringify(Object.fromEntries(found))}\n`);
