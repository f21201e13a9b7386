import { addDays, formatDay, type Day } from '../calendar/day.ts';
import type { CascadeRecord } from '../cascade/cascade.ts';
import { cascadeAfter, cascadeDigest, decideCascade, PARKING, type CascadeDecision, type CascadeQuestion } from '../cascade/decide.ts';
import { nextPhase, readyCells, siblings, turnCell } from '../cascade/turn.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import type { OutgoingMessage, Writes } from '../ports/request-store.ts';
import type { Ask } from '../requests/ask.ts';
import type { CellKey } from '../requests/cell.ts';
import type { BackfillRequest } from '../requests/messages.ts';
import { holderOf } from '../staged/cascading.ts';
import { hasEnded, type BackfillRecord } from '../staged/record.ts';
import type { Engine } from './engine.ts';
import { cascadeTrigger } from './cascade-trigger.ts';
import { applyAsk } from './open.ts';
import { historyRow } from './rows.ts';
import { confirmWaits } from './wake.ts';

const DAY_MS = 86_400_000;

export interface TurnToDecide extends Omit<CascadeQuestion, 'paused' | 'record' | 'staged'> {
  readonly cause?: string | null;
  /** Of a staged backfill: with the ask under which its cells are opened, and whether it still runs. */
  readonly staged?: CascadeQuestion['staged'] & { readonly ask: Ask };
}

export interface Cascaded {
  readonly record: CascadeRecord;
  readonly decision: CascadeDecision;
}

/**
 * Decides one cascade and acts on it in one transaction: the record, a request for each cell that the date makes ready,
 * and the message that has them worked off; or, where the next phase has a `cascade_target` topic, one trigger to that. A crash leaves all of it or nothing, and deciding again then releases once.
 */
export async function decideTurn(engine: Engine, asked: TurnToDecide): Promise<Cascaded> {
  const { phase, turn, staged } = asked;
  const now = engine.parts.clock.now();
  const key = { phase: phase.name, day: turn };
  for (;;) {
    // A transaction names what it reads before it knows what it decides: of a world that moved on meanwhile it reads again.
    const cells = staged?.cells ?? readyCells(engine.world, phase, turn);
    const digest = cascadeDigest(engine.world, asked);
    const ask: Ask = staged?.ask ?? { ...cascadeAsk(engine, phase, turn, digest, asked.byPerson), ...(asked.cause ? { cause: asked.cause } : {}) };
    const backfills = staged ? [staged.backfillId] : [];
    const outcome = await engine.change({ cascades: [key], controls: true, cells, asks: [ask.id], backfills }, (snapshot): { writes: Writes; result: Decided } => {
      const state = staged && snapshot.backfill(staged.backfillId)?.state;
      const held = staged && state !== 'running' ? `backfill ${staged.backfillId} is ${state?.replaceAll('_', ' ') ?? 'gone'}` : asked.held;
      const question: CascadeQuestion = { ...asked, held, paused: snapshot.controls().paused !== null, record: snapshot.cascade(key) };
      const decision = decideCascade(engine.world, question, engine.strictness);
      const record = cascadeAfter(question, decision, phase.mode, now);
      // What a backfill could not start stands in its own report.
      const history = !staged && phase.mode === 'enforce' && record.state === 'parked' && question.record?.state !== 'parked' ? parkedRows(engine, phase, turn, record, now) : [];
      const writes = { cascades: [record], history };
      if (decision.reasons.length > 0 || phase.mode !== 'enforce') return { writes, result: { kind: 'decided', record, decision } };
      if (decision.digest !== digest || decision.release.length !== cells.length) return { writes: {}, result: { kind: 'again', outdated: [] } };
      const next = nextPhase(engine.world, phase);
      if (next && next.cascadeTopic !== null) {
        const trigger = cascadeTrigger(engine.parts.ids.next('msg'), next.cascadeTopic, { completed: phase, next, turn, cells: decision.release, cause: asked.cause ?? null });
        return { writes: { ...writes, outbox: [trigger] }, result: { kind: 'decided', record, decision } };
      }
      const applied = applyAsk(engine, ask, decision.release, snapshot);
      if (applied.outdated.length > 0) return { writes: {}, result: { kind: 'again', outdated: applied.outdated } };
      // Nobody is rung for a backfill: its coordinator looks after what it has open, and takes it back when it is paused.
      const first = staged ? undefined : applied.outcomes.find((cell) => cell.outcome === 'open');
      return { writes: { ...writes, ...applied.writes, outbox: first ? [doorbell(engine, ask, first)] : [] }, result: { kind: 'decided', record, decision } };
    });
    if (outcome.kind === 'decided') {
      await confirmWaits(engine, cells);
      return { record: outcome.record, decision: outcome.decision };
    }
    await engine.relearn(outcome.outdated);
  }
}

type Decided = ({ readonly kind: 'decided' } & Cascaded) | { readonly kind: 'again'; readonly outdated: readonly CellKey[] };

function cascadeAsk(engine: Engine, phase: Phase, turn: Day, digest: string, byPerson: string | null): Ask {
  return {
    id: `cascade:${phase.name}:${formatDay(turn)}:${digest}`, asker: 'cascade', by: byPerson ?? 'phase-router', reason: `${phase.name} is complete for ${formatDay(turn)}`, at: engine.parts.clock.now(),
    priority: 'high', reprocess: 'none', force: false, skipDownstreamTrigger: false, isBackfill: false, planId: null, backfillId: null, summary: `cascade of ${phase.name} ${formatDay(turn)}`, refused: null,
  };
}

/** A message that names an ask which is applied already: whoever gets it finds only work to do. */
function doorbell(engine: Engine, ask: Ask, cell: CellKey): OutgoingMessage {
  const date = formatDay(cell.day);
  const body: Partial<BackfillRequest> = {
    processor_name: cell.processor, start_date: date, end_date: date, request_id: ask.id, is_backfill: ask.isBackfill, skip_downstream_trigger: ask.skipDownstreamTrigger,
    priority: ask.priority, requested_by: ask.by, reason: ask.reason, ...(ask.cause === undefined ? {} : { cause_id: ask.cause }),
  };
  return { id: engine.parts.ids.next('msg'), topic: engine.pipeline.topics.backfill_requests, body: JSON.stringify(body) };
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

/**
 * Decides every cascade again that is not released and not too old, in date order: after a gap closed, a resume, a tick, a
 * backfill's gate. Those of an open backfill's dates wait for its gate; a backfill's own are its coordinator's.
 */
export async function decideCascadesAgain(engine: Engine, byPerson: string | null = null): Promise<Cascaded[]> {
  const { settings } = engine.pipeline;
  const { today, now } = engine.world.moment;
  const records = await engine.parts.store.cascades(addDays(today, -settings.cascade_ttl_days), today);
  const decided: Cascaded[] = [];
  const open = await openBackfills(engine);
  for (const record of [...records].sort((a, b) => a.day - b.day)) {
    if (record.state !== 'parked' && record.state !== 'waiting' && record.state !== 'expected') continue;
    const phase = engine.pipeline.phases.find((candidate) => candidate.name === record.phase);
    if (!phase || record.backfillId !== null || now - record.openedAt > settings.cascade_ttl_days * DAY_MS) continue;
    const held = heldByBackfill(engine, open, phase, record.day);
    // What was heard of it by now is decided when the backfill is past it.
    if (held !== null && record.state === 'expected') continue;
    // Where nothing was heard of a turn, its runs say whether they were to start anything.
    const silent = record.state === 'expected' && byPerson === null && wasSilent(engine, phase, record.day);
    decided.push(await decideTurn(engine, { phase, turn: record.day, status: 'success', isBackfill: silent, skipDownstreamTrigger: silent, owed: !silent, byPerson, held }));
  }
  return decided;
}

/** A backfill is past a stage, or over: the live cascades that waited for that are decided again, where its dates are not too old for any. */
export async function resumeCascades(engine: Engine, { asked }: BackfillRecord): Promise<void> {
  if (asked.to < addDays(engine.moment().today, -engine.pipeline.settings.cascade_ttl_days)) return;
  await engine.ensure(asked.from, asked.to);
  await decideCascadesAgain(engine);
}

/** Staged backfills that have not ended. */
export async function openBackfills({ parts }: Engine): Promise<readonly BackfillRecord[]> {
  return (await parts.store.backfills()).filter((record) => !hasEnded(record));
}

/** Why a live cascade of this date has to wait, in words: for an open backfill's gate. */
export function heldByBackfill({ pipeline, world }: Engine, open: readonly BackfillRecord[], phase: Phase, turn: Day): string | null {
  const holder = open.length === 0 ? null : holderOf(pipeline, open, phase, [turn, ...readyCells(world, phase, turn).map(({ day }) => day)]);
  return holder && `backfill ${holder.id} has its date until it is past its stage ${holder.stage}`;
}

function wasSilent(engine: Engine, phase: Phase, turn: Day): boolean {
  const { world } = engine;
  const runs = siblings(world, phase, turn, readyCells(world, phase, turn)).flatMap((cell) => world.record(world.processor(cell.processor), cell.day).last ?? []);
  return runs.length > 0 && runs.every((run) => run.silent === true);
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
      if (!nextPhase(world, phase)) continue;
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

