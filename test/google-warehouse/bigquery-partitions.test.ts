import assert from 'node:assert/strict';
import { z } from 'zod';
import { Calendar } from '../../shared/calendar/calendar.ts';
import type { BigQueryClient } from '../../shared/google/bigquery-api.ts';
import { clusteringOf } from '../../shared/google/bigquery-tables.ts';
import type { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16 } from '../contract/warehouse-under-test.ts';
import { noting, openBigQuery, warehouseOn, type GoogleParts } from './bigquery-under-test.ts';

const tableNamed = z.object({ datasetId: z.string(), tableId: z.string() });
const askedSchema = z.object({
  tableReference: tableNamed.optional(), timePartitioning: z.unknown().optional(), clustering: z.unknown().optional(),
  configuration: z.object({ copy: z.object({ sourceTable: tableNamed, destinationTable: tableNamed, writeDisposition: z.string() }).optional() }).optional(),
});

describe('A partition of a BigQuery table', () => {
  const pipeline = warehousePipeline();
  const boxscores = named(pipeline, 'Boxscores');
  const calendar = new Calendar(pipeline, []);
  let parts: GoogleParts;
  let warehouse: BigQueryWarehouse;
  let dispose: () => Promise<void>;
  let sent: unknown[];

  beforeEach(async () => {
    const opened = await openBigQuery(pipeline);
    ({ parts, dispose } = opened);
    sent = [];
    warehouse = warehouseOn({ ...parts, client: noting(parts.client, sent) }, pipeline);
  });
  afterEach(() => dispose());

  const write = async (generation: number, rows: readonly Row[]) => (await warehouse.stage(claimOf(boxscores, nov15, generation), { kind: 'rows', rows }, calendar)).promote('{}');
  const promotions = (): readonly string[] => parts.server.jobs().filter(({ labels }) => labels['purpose'] === 'promote').map(({ kind }) => kind);
  const asked = () => sent.flatMap((request) => askedSchema.safeParse(request).data ?? []);
  const stages = () => asked().filter(({ tableReference }) => tableReference?.datasetId === 'staging');

  it('is copied from the same partition of a stage that is partitioned and clustered alike', async () => {
    await write(1, [boxscore(1)]);
    const [stage] = stages();
    assert.deepEqual(stage?.timePartitioning, { type: 'DAY', field: 'game_date' });
    assert.deepEqual(stage?.clustering, { fields: clusteringOf(boxscores) });
    assert.ok(clusteringOf(boxscores).length > 0);
    const [copy] = asked().flatMap(({ configuration }) => configuration?.copy ?? []);
    assert.deepEqual([copy?.sourceTable.tableId, copy?.destinationTable.tableId, copy?.writeDisposition], [`${stage?.tableReference?.tableId}$20231115`, 'boxscores$20231115', 'WRITE_TRUNCATE']);
  });

  it('has its rows taken away by a statement where the stage has none: what is not there can not be copied', async () => {
    await write(1, [boxscore(1), boxscore(2)]);
    assert.deepEqual(await write(2, []), { kind: 'promoted' });
    assert.deepEqual(promotions(), ['copy', 'query']);
    assert.deepEqual(await warehouse.rows(boxscores, { from: nov15, to: nov16 }, null), []);
  });

  it('has a stage whose partitions do not expire as those of the table do', async () => {
    const noted = noting(parts.client, sent);
    const expiring: BigQueryClient = {
      apiEndpoint: noted.apiEndpoint,
      request: (options, callback) => noted.request(options, (error, body) => {
        const isTable = options.method === 'GET' && options.uri === '/datasets/raw/tables/boxscores';
        const { timePartitioning, ...rest } = z.looseObject({ timePartitioning: z.looseObject({}).optional() }).parse(body ?? {});
        callback(error, isTable ? { ...rest, timePartitioning: { ...timePartitioning, expirationMs: '86400000' } } : body);
      }),
    };
    warehouse = warehouseOn({ ...parts, client: expiring }, pipeline);
    await write(1, [boxscore(1)]);
    const [stage] = stages();
    assert.deepEqual(stage?.timePartitioning, { type: 'DAY', field: 'game_date' });
  });
});
