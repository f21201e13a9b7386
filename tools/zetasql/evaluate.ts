import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayOf } from '../../shared/calendar/day.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { byKey } from '../../shared/rows/row-order.ts';
import { builtThrough, FROM, nbaPipeline, openAt } from '../../test/pipelines/nba/built-season.ts';
import { startAnalyzer } from './analyzer.ts';
import { evaluate } from './evaluation.ts';
import { sqlProcessors } from './pipelines.ts';
import { languageOf } from './request.ts';

/** Every `.sql` of the NBA pipeline, run by Google's reference evaluator, gives the rows that the embedded engine wrote. */

const THROUGH = '2023-11-10';
const DATES = ['2023-10-25', '2023-11-03', THROUGH];

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

/** Where they differ, a line a column with its first case; empty where they are the same rows in any order. */
function differencesOf(key: readonly string[], columns: readonly string[], expected: readonly Row[], found: readonly Row[]): readonly string[] {
  if (expected.length !== found.length) return [`DuckDB gives ${expected.length} rows, the evaluator ${found.length}`];
  const pairs = [...expected].sort(byKey(key)).map((row, index) => ({ row, other: [...found].sort(byKey(key))[index] ?? {} }));
  return columns.flatMap((name) => {
    const others = pairs.filter(({ row, other }) => (row[name] ?? null) !== (other[name] ?? null));
    const [first] = others;
    if (!first) return [];
    return [`  ${name} in ${others.length} of ${pairs.length} rows; of ${key.map((part) => String(first.row[part])).join(', ')} DuckDB gives ${JSON.stringify(first.row[name])}, the evaluator ${JSON.stringify(first.other[name])}`];
  });
}

async function main(): Promise<number> {
  const pipeline = nbaPipeline();
  const folder = mkdtempSync(join(tmpdir(), 'sbf-zetasql-'));
  cpSync(await builtThrough(THROUGH), folder, { recursive: true });
  const opened = await openAt(folder, '2023-11-11');
  const analyzer = await startAnalyzer();
  let [passing, failing] = [0, 0];
  try {
    const { engine, warehouse } = opened.runtime;
    const language = await languageOf(analyzer);
    const world = await engine.refresh(dayOf(FROM), dayOf(THROUGH));
    for (const processor of sqlProcessors(pipeline)) {
      for (const date of DATES) {
        const at = dayOf(date);
        const expected = await warehouse.rows(processor, { from: at, to: at }, null);
        const inputs = await Promise.all(processor.upstreams.map(async (edge) => {
          const range = world.range(edge, at);
          return { upstream: edge.upstream, rows: range ? await warehouse.rows(world.processor(edge.upstream), range, edge.columns) : [] };
        }));
        const started = performance.now();
        const found = await evaluate(analyzer, language, pipeline, processor, at, inputs);
        const differences = differencesOf(processor.key, processor.columns.map(({ name }) => name), expected, found);
        if (differences.length === 0) passing += 1;
        else failing += 1;
        say([`${differences.length === 0 ? 'same     ' : 'DIFFERENT'}  ${processor.name} ${date}: ${found.length} rows, ${Math.round(performance.now() - started)} ms`, ...differences].join('\n'));
      }
    }
  } finally {
    analyzer.stop();
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  }
  say(`${passing} passing\n${failing} failing`);
  return failing === 0 && passing > 0 ? 0 : 1;
}

process.exitCode = await main();
process.exit();
