import assert from 'node:assert/strict';
import { join } from 'node:path';
import { differences, firestoreFile, pipelineAt, readFolder, schemaFiles } from '../../scripts/terraform-schemas.ts';
import { compositeIndexes, fieldIndexes, timeToLive, unindexedCollections } from '../../shared/google/firestore-indexes.ts';
import { pipelineOf } from '../pipeline/fixture.ts';
import { Evaluation } from './hcl/evaluation.ts';
import { readModule, TERRAFORM } from './hcl/module.ts';

describe('terraform/schemas', () => {
  const nba = pipelineAt(join(import.meta.dirname, '../../pipelines/nba'));

  it('are what pipeline.yaml and the history schemas say: else run node scripts/terraform-schemas.ts', () => {
    assert.deepEqual(differences(schemaFiles(nba), readFolder(join(TERRAFORM, 'schemas/nba'))), []);
    assert.deepEqual(differences(new Map([['firestore.json', firestoreFile()]]), readFolder(join(TERRAFORM, 'schemas'))), []);
  });

  it('tell a changed, a missing and a left-over file', () => {
    assert.deepEqual(differences(new Map([['a', '1'], ['b', '1'], ['same', '1']]), new Map([['a', '2'], ['c', '1'], ['same', '1']])), ['a', 'b', 'c']);
  });

  it("keep the columns' order, which yamldecode loses", () => {
    const files = schemaFiles(pipelineOf());
    const columns: unknown = JSON.parse(files.get('raw.schedule.json') ?? '');
    assert.deepEqual(columns, [['game_date', 'DATE'], ['game_id', 'STRING'], ['game_status', 'INTEGER'], ['processed_at', 'TIMESTAMP']].map(([name, type]) => ({ name, type: type === 'INTEGER' ? typeOf(columns, 2) : type, mode: 'NULLABLE' })));
  });

  it('are there for every table that Terraform makes, the history among them', async () => {
    const root = new Evaluation(await readModule('.'), {
      project_id: 'p', region: 'r', firestore_location: 'r', schemas_dir: 's', build_dir: 'b', pipeline_file: join(nba.directory, 'pipeline.yaml'),
    }, () => ({}));
    const tables = Object.keys(Object(root.local('tables')));
    assert.deepEqual([...tables, ...Object.values(Object(root.local('history')))].map((ref) => `${String(ref)}.json`).sort(), [...schemaFiles(nba).keys()].sort());
    assert.deepEqual(root.local('history'), { run_history: nba.tables.run_history, backfill_requests: nba.tables.backfill_requests });
    assert.equal(root.local('staging_dataset'), nba.tables.staging_dataset);
    assert.deepEqual(root.local('services'), ['nba-sources']);
    for (const { output, key, dateColumn } of nba.processors) {
      if (output.kind !== 'table') continue;
      const { dataset, table, date_column: partitionedBy, clustering } = Object(Object(root.local('tables'))[output.ref]);
      assert.deepEqual([dataset, table, partitionedBy], [output.dataset, output.table, dateColumn]);
      assert.deepEqual(clustering, key.filter((column) => column !== dateColumn).slice(0, 4));
    }
  });

  it('give Firestore every index, every field and every expiry of the adapter, and nothing else', () => {
    const { indexes, fields } = Object(JSON.parse(firestoreFile()));
    assert.equal(Object.keys(indexes).length, compositeIndexes.length);
    for (const { collectionGroup, fields: wanted } of compositeIndexes) {
      const { collection, fields: made } = indexes[`${collectionGroup}-${wanted.map(({ fieldPath }) => fieldPath).join('-')}`];
      assert.deepEqual([collection, made], [collectionGroup, wanted.map(({ fieldPath, order }) => ({ field_path: fieldPath, order }))]);
    }
    for (const collection of unindexedCollections) assert.deepEqual(fields[`${collection}/*`], { collection, field: '*', ttl: false, indexes: [] });
    for (const { collectionGroup, fieldPath, index } of fieldIndexes) assert.ok(fields[`${collectionGroup}/${fieldPath}`].indexes.some((made: object) => Object.values(made)[0] === Object.values(index)[0]));
    for (const { collectionGroup, fieldPath } of timeToLive) assert.equal(fields[`${collectionGroup}/${fieldPath}`].ttl, true);
    assert.equal(Object.keys(fields).length, new Set([...unindexedCollections.map((each) => `${each}/*`), ...fieldIndexes.map((each) => `${each.collectionGroup}/${each.fieldPath}`), ...timeToLive.map((each) => `${each.collectionGroup}/${each.fieldPath}`)]).size);
  });
});

/** Both names of BigQuery's whole numbers are right. */
function typeOf(columns: unknown, index: number): unknown {
  const { type } = Object(columns)[index];
  assert.ok(['INTEGER', 'INT64'].includes(type));
  return type;
}
