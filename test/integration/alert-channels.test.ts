import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALERTS_FILE, openEmbedded } from '../../scripts/runtime/embedded.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import { untoldFailure } from '../contract/request-records.ts';
import { serve } from '../google-runner/local-server.ts';
import { AFTER_SEASON } from '../simulation/clean.ts';
import { miniPipeline } from '../simulation/mini-pipeline.ts';

describe('alerts of the embedded runtime', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'sbf-channels-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (told: Alert[], webhook: URL, minutes = 0) => openEmbedded({
    pipeline: miniPipeline(), stateDirectory: folder, database: SqliteDatabase.open(join(folder, 'state.sqlite')), startAt: AFTER_SEASON + minutes * 60_000, webhook,
    notifier: { notify: async (alert) => { told.push(alert); } },
  });

  it('go to the terminal, the file, the topic and the webhook; a command that ends tells what it held back', async () => {
    const server = await serve((_request, response) => { response.end('ok'); });
    const told: Alert[] = [];
    const runtime = await open(told, new URL(server.address));
    const at = runtime.engine.parts.clock.now();
    await runtime.engine.change({}, () => ({ writes: { untold: ['a', 'b'].map((id) => untoldFailure(id, { at })) }, result: null }));
    assert.equal(told.length, 0, 'nobody is told of single failures');
    await runtime.close();
    const title = 'backfills: 2 cells have failed';
    assert.deepEqual(told.map((alert) => alert.title), [title]);
    const written: unknown = JSON.parse(readFileSync(join(folder, ALERTS_FILE), 'utf8'));
    assert.deepEqual(written, { ...told[0], at: new Date(told[0]?.at ?? 0).toISOString() });
    assert.match(server.received[0]?.body ?? '', /^\{"text":"\*\[warning\] backfills: 2 cells have failed\*/);
    const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
    const kept = database.prepare("SELECT body FROM messages WHERE topic = 'mini-alerts'").all();
    database.close();
    assert.deepEqual(kept.map(({ body }): unknown => JSON.parse(String(body))), [written]);
    await server.close();
  });

  it('that were told are not told again by the next command', async () => {
    const server = await serve((_request, response) => { response.end('ok'); });
    const told: Alert[] = [];
    for (const [minutes, id] of [[0, 'a'], [5, 'b'], [10, 'c']] as const) {
      const runtime = await open(told, new URL(server.address), minutes);
      await runtime.engine.change({}, () => ({ writes: { untold: [untoldFailure(id, { at: runtime.engine.parts.clock.now() })] }, result: null }));
      await runtime.close();
    }
    assert.equal(told.length, 1, 'the others are in the digest of the next window');
    await server.close();
  });
});
