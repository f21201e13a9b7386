import { addDays, formatDay, type Day } from '../calendar/day.ts';
import type { CascadeRecord } from '../cascade/cascade.ts';
import { cascadeAfter, decideCascade, PARKING, type CascadeDecision, type CascadeQuestion } from '../cascade/decide.ts';
import { nextPhase, turnCell } from '../cascade/turn.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import type { Ask } from '../requests/ask.ts';
import type { CellKey } from '../requests/cell.ts';
import type { BackfillRequest } from '../requests/messages.ts';
import type { Engine } from './engine.ts';
import { openAsk } from './open.ts';
import { historyRow } from './rows.ts';

const DAY_MS = 86_400_000;

export interface Cascaded {
  readonly record: CascadeRecord;
  readonly decision: CascadeDecision;
}

/**
 * Decides one cascade and acts on it: the record first, in the transaction that read it, then one request for each cell
 * that the date makes ready. A crash in between is mended by deciding again: an ask applies to a cell once.
 */
export async function decideTurn(engine: Engine, asked: Omit<CascadeQuestion, 'paused' | 'record'>): Promise<Cascaded> {
  const { phase, turn } = asked;
  const now = engine.parts.clock.now();
  const outcome = await engine.change({ cascades: [{ phase: phase.name, day: turn }], controls: true }, (snapshot) => {
    const question: CascadeQuestion = { ...asked, paused: snapshot.controls().paused !== null, record: snapshot.cascade({ phase: phase.name, day: turn }) };
    const decision = decideCascade(engine.world, question, engine.strictness);
    const record = cascadeAfter(question, decision, phase.mode, now);
    const history = record.state === 'parked' && question.record?.state !== 'parked' ? parkedRows(engine, phase, turn, record, now) : [];
    return { writes: { cascades: [record], history }, result: { record, decision } };
  });
  if (outcome.decision.reasons.length === 0 && phase.mode === 'enforce') await release(engine, phase, turn, outcome.decision, asked.byPerson);
  return outcome;
}

async function release(engine: Engine, phase: Phase, turn: Day, decision: CascadeDecision, byPerson: string | null): Promise<void> {
  const id = `cascade:${phase.name}:${formatDay(turn)}:${decision.digest}`;
  const ask: Ask = {
    id, asker: 'cascade', by: byPerson ?? 'phase-router', reason: `${phase.name} is complete for ${formatDay(turn)}`, at: engine.parts.clock.now(), priority: 'high', reprocess: 'none', force: false,
    skipDownstreamTrigger: false, isBackfill: false, planId: null, backfillId: null, summary: `cascade of ${phase.name} ${formatDay(turn)}`, refused: null,
  };
  const opened = await openAsk(engine, ask, decision.release);
  const [first] = opened.filter((cell) => cell.outcome === 'open');
  if (first) await ring(engine, ask, first);
}

/** A message is a doorbell: it names an ask that is applied already, so whoever gets it finds only work to do. */
async function ring(engine: Engine, ask: Ask, cell: CellKey): Promise<void> {
  const date = formatDay(cell.day);
  const body: Partial<BackfillRequest> = {
    processor_name: cell.processor, start_date: date, end_date: date, request_id: ask.id, is_backfill: ask.isBackfill, skip_downstream_trigger: ask.skipDownstreamTrigger,
    priority: ask.priority, requested_by: ask.by, reason: ask.reason,
  };
  const message = { id: engine.parts.ids.next('msg'), topic: engine.pipeline.topics.backfill_requests, body: JSON.stringify(body) };
  await engine.change({}, () => ({ writes: { outbox: [message] }, result: null }));
}

/** A cascade that was held is a decision not to run, and stands in the run history like the source documents' skips. */
function parkedRows(engine: Engine, phase: Phase, turn: Day, record: CascadeRecord, now: number): ReturnType<typeof historyRow>[] {
  const next = engine.pipeline.phases[phase.index + 1];
  return (next?.processors ?? []).flatMap((name) => {
    const processor = engine.world.processor(name);
    const cell = turnCell(engine.world, processor, turn);
    if (!cell) return [];
    const missing = record.reasons.filter((reason) => PARKING.has(reason.condition)).map((reason) => reason.text);
    return [historyRow(processor, cell.day, { isBackfill: false }, {
      runId: engine.parts.ids.next('held'), status: 'skipped', decision: 'parked', skipReason: 'backfill_queued', at: now, metadata: { gap_size: missing.length, missing_dates: missing },
    })];
  });
}

/** Decides every cascade again that is not released and not too old, in date order: after a gap closed, a resume, a tick. */
export async function decideCascadesAgain(engine: Engine, byPerson: string | null = null): Promise<Cascaded[]> {
  const { settings } = engine.pipeline;
  const { today, now } = engine.world.moment;
  const records = await engine.parts.store.cascades(addDays(today, -settings.cascade_ttl_days), today);
  const decided: Cascaded[] = [];
  for (const record of [...records].sort((a, b) => a.day - b.day)) {
    if (record.state !== 'parked' && record.state !== 'waiting' && record.state !== 'expected') continue;
    const phase = engine.pipeline.phases.find((candidate) => candidate.name === record.phase);
    if (!phase || now - record.openedAt > settings.cascade_ttl_days * DAY_MS) continue;
    decided.push(await decideTurn(engine, { phase, turn: record.day, status: 'success', isBackfill: false, skipDownstreamTrigger: false, owed: true, byPerson }));
  }
  return decided;
}

/** Every live (phase, date) has a record from the moment it is due, so that a completion that never came is seen. */
export async function expectLiveCascades(engine: Engine): Promise<void> {
  const { world, pipeline } = engine;
  const { today, settledThrough } = world.moment;
  const from = addDays(today, -pipeline.settings.live_days);
  const known = new Set((await engine.parts.store.cascades(from, today)).map((record) => `${record.phase}/${record.day}`));
  const due: CascadeRecord[] = [];
  for (let turn = from; turn <= settledThrough; turn = addDays(turn, 1)) {
    for (const phase of pipeline.phases) {
      if (!phase.cascades || !nextPhase(world, phase)) continue;
      const expected = phase.processors.some((name) => world.processor(name).expected === 'after_final' && turnCell(world, world.processor(name), turn) !== null);
      if (!expected || known.has(`${phase.name}/${turn}`)) continue;
      due.push({
        phase: phase.name, day: turn, state: 'expected', reasons: [{ condition: 6, text: 'nothing heard yet' }], wouldHave: [], digest: null, releasedDigests: [], openedAt: world.moment.now, decidedAt: world.moment.now,
        releasedAt: null, backfillId: null, releasedBy: null,
      });
    }
  }
  if (due.length > 0) await engine.change({}, () => ({ writes: { cascades: due }, result: null }));
}

