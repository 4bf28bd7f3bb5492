// Reads Kusto queries with Microsoft's own language service, over tables with the columns and types that sigscan fills.
//
//   NODE_PATH=FOLDER/node_modules node detections/kusto.js TABLES.json QUERY...
//
// Exit status: 0 every query is understood and names columns that there are, else 1.
'use strict';
const fs = require('fs');
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');

const { KustoCode, GlobalState, Symbols } = Kusto.Language;
const [, , tablesFile, ...queries] = process.argv;

// Microsoft, "Azure Monitor Logs reference: CommonSecurityLog": the columns that --format cef fills.
const text = ['DeviceVendor', 'DeviceProduct', 'DeviceVersion', 'DeviceEventClassID', 'Activity', 'LogSeverity', 'Computer',
  'DeviceName', 'DeviceEventCategory', 'ReceiptTime', 'Reason', 'FileName', 'FilePath', 'FileHash', 'FileType', 'Message',
  'FlexString1', 'FlexString1Label', 'FlexString2', 'FlexString2Label', 'DeviceCustomDate1', 'DeviceCustomDate1Label',
  ...[1, 2, 3, 4, 5, 6].flatMap(n => [`DeviceCustomString${n}`, `DeviceCustomString${n}Label`])];
const tables = {
  CommonSecurityLog: {
    TimeGenerated: 'datetime', FileSize: 'int', FieldDeviceCustomNumber1: 'long',
    ...Object.fromEntries(text.map(name => [name, 'string'])),
  },
  ...JSON.parse(fs.readFileSync(tablesFile, 'utf8')),
};
const symbols = Object.entries(tables).map(([name, columns]) => {
  const schema = Object.entries(columns).map(([column, type]) => `${column}: ${type}`).join(', ');
  return Symbols.TableSymbol.From(`(${schema})`).WithName(name);
});
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1('workspace', symbols, false));

function problems(query) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, n) => found.getItem(n).Message);
}

let bad = 0;
for (const [query, wanted] of [['CommonSecurityLog | where Wrong == 1', 1], ['CommonSecurityLog | take 1', 0]]) {
  if (problems(query).length !== wanted) { // a reader that finds nothing wrong with anything is no check
    console.log(`${query}: ${problems(query).length} problems, not ${wanted}`);
    bad += 1;
  }
}
for (const file of queries) {
  for (const problem of problems(fs.readFileSync(file, 'utf8'))) {
    console.log(`${file}: ${problem}`);
    bad += 1;
  }
}
process.exit(bad ? 1 : 0);
