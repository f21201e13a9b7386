'use strict';
// Starts the bundle from V8's compiled form of it, which `gcp-build` has made on the machine that builds the container.
// Where there is none, or it is another Node's, the bundle is compiled as usual.
const { readFileSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const file = join(__dirname, 'bundle.cjs');
const compiled = join(__dirname, 'bundle.cache');

function read() {
  try {
    return readFileSync(compiled);
  } catch {
    return undefined;
  }
}

const script = new Script(wrap(readFileSync(file, 'utf8')), { filename: file, cachedData: read() });
script.runInThisContext().call(exports, exports, require, module, file, __dirname);
Object.defineProperty(module.exports, 'compileCache', {
  value: {
    used: script.cachedDataRejected === false,
    write: () => writeFileSync(compiled, script.createCachedData()),
  },
});
