// Reads [[name, text], ...] and prints what TypeScript finds wrong with each block as a module,
// measured by the declarations of our own modules: `name: code message`.
const fs = require("fs");
const path = require("path");
const root = path.resolve(__dirname, "../..");
const ts = require(path.join(root, "tests/browser/node_modules/typescript"));

const STATIC = path.join(root, "flask_nexora_rt/static/");
// A snippet may use what it does not show: another function of the page, a package it has.
const NOT_SHOWN = new Set([2304, 2552]);
const FOREIGN = /Cannot find module '(laravel-echo|react|pusher-js)'/;

// Where the app serves our modules; "…/" stands for the address that nexora_rt_asset() gives.
const SERVED = /…\/|\/api\/realtime\/assets\//g;

const blocks = JSON.parse(fs.readFileSync(0, "utf8"));
const files = new Map(
  // An export makes it a module, if nothing else does.
  blocks.map(([, text], i) => [`/docs/${i}.jsx`, `${text.replace(SERVED, STATIC)}\nexport {};\n`]),
);
const CLIENT = `import("${STATIC}nexora-rt.js").NexoraRT`;
files.set("/docs/page.d.ts", `declare const NexoraRT: typeof ${CLIENT}; declare const rt: ${CLIENT};`);

const options = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  jsx: ts.JsxEmit.Preserve,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  skipLibCheck: true,
  target: ts.ScriptTarget.ESNext,
  types: [],
};
const disk = ts.createCompilerHost(options);
const host = {
  ...disk,
  fileExists: (file) => files.has(file) || disk.fileExists(file),
  readFile: (file) => files.get(file) ?? disk.readFile(file),
  getSourceFile: (file, version) =>
    files.has(file) ? ts.createSourceFile(file, files.get(file), version) : disk.getSourceFile(file, version),
};

for (const found of ts.getPreEmitDiagnostics(ts.createProgram([...files.keys()], options, host))) {
  const message = ts.flattenDiagnosticMessageText(found.messageText, " ");
  const block = blocks[found.file?.fileName.match(/^\/docs\/(\d+)\.jsx$/)?.[1]];
  if (block && !NOT_SHOWN.has(found.code) && !FOREIGN.test(message)) console.log(`${block[0]}: ${found.code} ${message}`);
}
