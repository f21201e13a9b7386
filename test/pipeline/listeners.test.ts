import assert from 'node:assert/strict';
import { listenerChecks } from '../../scripts/commands/doctor-listeners.ts';
import { completionListeners, type Listener } from '../../shared/pipeline/listeners.ts';
import { pipelineOf } from './fixture.ts';

const pipeline = pipelineOf();
const router = (phase: string): Listener => ({ subscription: `router-sub-${phase}`, deliversTo: 'https://phase-router.example' });
const alone = new Map<string, readonly Listener[]>([['raw-complete', [router('phase_2_raw')]], ['analytics-complete', [router('phase_3_analytics')]]]);
const old: Listener = { subscription: 'old-model-starter', deliversTo: 'https://model.example/start' };

function listing(topics: ReadonlyMap<string, readonly Listener[]>) {
  return async (topic: string): Promise<readonly Listener[] | null> => topics.get(topic) ?? null;
}
const withOld = (topic: string) => listing(new Map([...alone].map(([name, listeners]) => [name, name === topic ? [...listeners, old] : listeners])));

describe('listeners of completion topics', () => {
  it('are judged by phase: the router, and others by name', async () => {
    const found = await completionListeners(pipeline, withOld('raw-complete'));
    assert.deepEqual(found.map(({ phase, exists, hasRouter, others }) => [phase.name, exists, hasRouter, others]), [['phase_2_raw', true, true, [old]], ['phase_3_analytics', true, true, []]]);
  });

  it("counts a subscription by the router's name on another topic as none of ours", async () => {
    const swapped = listing(new Map([['raw-complete', [router('phase_3_analytics')]], ['analytics-complete', [router('phase_3_analytics')]]]));
    assert.deepEqual((await completionListeners(pipeline, swapped)).map(({ hasRouter, others }) => [hasRouter, others.length]), [[false, 1], [true, 0]]);
  });

  it('are wrong in enforce, where they start what the router holds', async () => {
    const [raw, analytics] = await listenerChecks(pipeline, withOld('raw-complete'));
    assert.deepEqual([raw?.result, analytics?.result], ['wrong', 'ok']);
    assert.match(raw?.found ?? '', /old-model-starter \(to https:\/\/model\.example\/start\) too: enforce cannot hold back/);
    assert.match(raw?.mend ?? '', /repoint or remove them/);
  });

  it('are a note in observe, where they are the running pipeline itself', async () => {
    const [, analytics] = await listenerChecks(pipeline, withOld('analytics-complete'));
    assert.deepEqual([analytics?.result, /in observe mode/.test(analytics?.found ?? ''), /before mode: enforce/.test(analytics?.mend ?? '')], ['note', true, true]);
  });

  it('are one line where the router is alone', async () => {
    assert.deepEqual(await listenerChecks(pipeline, listing(alone)), [{ name: 'listeners', result: 'ok', found: 'the phase router alone listens to the 2 completion topics', mend: null }]);
  });

  it('are wrong where a topic, or the router on it, is missing', async () => {
    const checks = await listenerChecks(pipeline, listing(new Map([['raw-complete', [old]]])));
    assert.deepEqual(checks.map(({ result }) => result), ['wrong', 'wrong']);
    assert.match(checks[0]?.found ?? '', /the phase router does not listen/);
    assert.match(checks[1]?.found ?? '', /there is no topic analytics-complete/);
  });

  it('that may not be listed are a note with the role that is needed', async () => {
    const [check] = await listenerChecks(pipeline, () => Promise.reject(new Error('7 PERMISSION_DENIED')));
    assert.deepEqual([check?.result, /PERMISSION_DENIED/.test(check?.found ?? ''), /roles\/pubsub\.viewer/.test(check?.mend ?? '')], ['note', true, true]);
  });
});
