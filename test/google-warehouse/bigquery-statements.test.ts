import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BigQueryApi } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs } from '../../shared/google/bigquery-jobs.ts';
import type { QueryParameter } from '../../shared/google/bigquery-parameters.ts';
import { adapterStatements } from '../../shared/google/bigquery-statements.ts';
import { ensureTables } from '../../shared/google/bigquery-tables.ts';
import { GoogleRunHistory } from '../../shared/google/run-history.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { formatProblems } from '../../shared/pipeline/problems.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { startParts, stopParts } from './bigquery-under-test.ts';

function nba(): Pipeline {
  const loaded = loadPipeline(join(import.meta.dirname, '../../pipelines/nba'), { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (loaded.kind === 'invalid') throw new Error(formatProblems(loaded.problems));
  return loaded.pipeline;
}

describe("The BigQuery adapter's statements", () => {
  for (const [name, pipelineOf] of [['the contract', warehousePipeline], ['NBA', nba]] as const) {
    it(`of ${name} name each parameter that they use, and no other`, () => {
      for (const statement of adapterStatements(pipelineOf(), 'p')) {
        const used = new Set([...statement.sql.replaceAll(/--[^\n]*/g, '').matchAll(/@(\w+)/g)].map((match) => match[1] ?? ''));
        const idle = Object.keys(statement.parameters).filter((parameter) => !used.delete(parameter) && parameter !== 'game_date');
        assert.deepEqual([[...used], idle], [[], []], statement.name);
      }
    });

    it(`of ${name} are taken by the service, every one`, async () => {
      const parts = await startParts();
      try {
        const pipeline = pipelineOf();
        let ids = 0;
        const api = new BigQueryApi({ client: async () => parts.client, project: parts.server.projectId, location: parts.server.location });
        const jobs = new BigQueryJobs({ api, pipeline: pipeline.name, maximumBytesBilled: 10 ** 9, newId: () => `${ids += 1}` });
        await ensureTables(api, pipeline, 'staging');
        await new GoogleRunHistory({ jobs, outbox: { pendingRows: async () => [], rowsWritten: async () => undefined }, tables: pipeline.tables }).ensureTables();
        for (const { name: statement, sql, parameters } of adapterStatements(pipeline, parts.server.projectId)) {
          await jobs.dryRun({ purpose: 'check', sql, parameters: Object.entries(parameters).map(([parameter, type]) => valueOf(parameter, type)) })
            .catch((thrown: unknown) => assert.fail(`${statement}: ${String(thrown)}`));
        }
      } finally {
        await stopParts(parts);
      }
    });
  }
});

function valueOf(name: string, type: string): QueryParameter {
  const array = /^ARRAY<(\w+)>$/.exec(type)?.[1];
  const value = { DATE: '2023-11-15', INT64: '1' }[array ?? type] ?? 'text';
  return array === undefined
    ? { name, parameterType: { type }, parameterValue: { value } }
    : { name, parameterType: { type: 'ARRAY', arrayType: { type: array } }, parameterValue: { arrayValues: [{ value }] } };
}
