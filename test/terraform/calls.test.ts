import assert from 'node:assert/strict';
import { join, normalize } from 'node:path';
import { z } from 'zod';
import { readModules, type Body, type Module } from './hcl/module.ts';

const META = new Set(['source', 'version', 'providers', 'count', 'for_each', 'depends_on']);

/** What is wrong with the call of a module: inputs that it lacks or does not know, outputs that are read and not there. */
function callProblems(modules: readonly Module[], caller: Module): readonly string[] {
  return [...caller.calls].flatMap(([name, body]: [string, Body]) => {
    const at = `${caller.directory}: module.${name}`;
    const source = normalize(join(caller.directory, z.string().parse(body['source']))).replace(/\/$/, '');
    const called = modules.find(({ directory }) => directory === source);
    if (called === undefined) return [`${at}: there is no module ${source}`];
    const given = Object.keys(body).filter((key) => !META.has(key));
    const read = [...JSON.stringify([caller.blocks, [...caller.calls], [...caller.outputs], [...caller.locals]]).matchAll(new RegExp(`module\\.${name}\\.(\\w+)`, 'g'))].map(([, output]) => output ?? '');
    return [
      ...given.filter((key) => !called.variables.has(key)).map((key) => `${at}: ${key} is no variable`),
      ...[...called.variables].filter(([key, { default: fallback }]) => fallback === undefined && !given.includes(key)).map(([key]) => `${at}: ${key} is missing`),
      ...[...new Set(read)].filter((output) => !called.outputs.has(output)).map((output) => `${at}: there is no output ${output}`),
    ];
  });
}

describe('terraform/calls', () => {
  let modules: readonly Module[] = [];
  before(async () => { modules = await readModules(); });

  it('calls every module with the variables that it has, and reads outputs that it has', () => {
    assert.deepEqual(modules.flatMap((caller) => callProblems(modules, caller)), []);
    assert.equal(modules.find(({ directory }) => directory === '.')?.calls.size, 6);
  });

  it('has an example that makes everything, and one that adopts', () => {
    for (const example of ['examples/minimal', 'examples/production']) assert.ok(modules.find(({ directory }) => directory === example)?.calls.has('smart_backfill'), example);
  });

  it('notices an unknown and a missing variable, and an output that is not there', () => {
    const [callee] = modules.filter(({ directory }) => directory === 'modules/scheduler');
    assert.ok(callee !== undefined);
    const caller: Module = { ...callee, directory: '.', calls: new Map([['tick', { source: './modules/scheduler', projekt: 'x' }]]), outputs: new Map([['x', { value: '${module.tick.jobb}' }]]), variables: new Map() };
    const problems = callProblems(modules, caller);
    assert.ok(problems.includes('.: module.tick: projekt is no variable'));
    assert.ok(problems.includes('.: module.tick: project_id is missing'));
    assert.ok(problems.includes('.: module.tick: there is no output jobb'));
  });
});
