// Reads JSX and prints the same module without it, for React's `createElement`.
const fs = require("fs");
const ts = require("typescript");

const compilerOptions = { jsx: ts.JsxEmit.React, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext };
process.stdout.write(ts.transpileModule(fs.readFileSync(0, "utf8"), { compilerOptions }).outputText);
