import { formatDay, type Day } from '../calendar/day.ts';
import { expectationOf } from '../gaps/expectation.ts';
import { acceptanceHolds } from '../gaps/facts.ts';
import { traceOf } from '../gaps/trace.ts';
import type { Controls } from '../ports/request-store.ts';
import type { CellKey, CellRecord, StopOrder } from '../requests/cell.ts';
import { endedWithout } from '../requests/transitions.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { decideCascadesAgain } from './cascade.ts';
import type { Engine } from './engine.ts';
import { finishStopped } from './finish.ts';
import { changeRow, historyRow, type RunRow } from './rows.ts';
import { startedRunOf } from './settle.ts';
import { wakeWaiters } from './wake.ts';

/** What a person does by hand to cells and to the whole pipeline. Each is one durable change with who and why. */
export interface ByPerson {
  readonly by: string;
  readonly reason: string;
}

/** Accepts known rows or a known gap: it blocks nothing until anything else is there, or until `until`. */
export async function accept(engine: Engine, cells: readonly CellKey[], person: ByPerson, until: number | null): Promise<void> {
  const now = engine.parts.clock.now();
  await edit(engine, cells, 'accepted', person, (record, processor) => {
    const coverage = engine.world.coverage(processor, record.day);
    const { keys } = expectationOf(engine.world, processor, record.day);
    // What is accepted already is expected no more: accepting again must not forget it.
    const known = acceptanceHolds(record, coverage, now) ? record.acceptance?.missingKeys ?? [] : [];
    const missingKeys = [...known, ...keys.filter((key) => !known.includes(key) && (coverage?.games?.[key] ?? 0) === 0)];
    return { ...record, acceptance: { ...person, at: now, until, fingerprint: coverage?.fingerprint ?? null, missingKeys } };
  });
  if (cells.some((cell) => cell.processor === engine.pipeline.schedule?.processor)) {
    await acceptRemovals(engine, cells, person);
    await engine.recalendar();
  }
  await afterwards(engine, cells);
}

export async function unaccept(engine: Engine, cells: readonly CellKey[], person: ByPerson): Promise<void> {
  await edit(engine, cells, 'unaccepted', person, (record) => ({ ...record, acceptance: null }));
  await afterwards(engine, cells);
}

/** Holds cells: nothing runs them until they are unheld. A request that has not started ends; what runs is finished. */
export async function hold(engine: Engine, cells: readonly CellKey[], person: ByPerson): Promise<void> {
  const now = engine.parts.clock.now();
  await engine.change({ cells }, (snapshot) => {
    const open = cells.flatMap((cell) => {
      const record = snapshot.cell(cell);
      return record.request && record.request.state !== 'processing' ? [{ record, request: record.request }] : [];
    });
    return {
      writes: {
        cells: open.map(({ record }) => ({ ...record, request: null })),
        changes: open.map(({ record, request }) => changeRow(record, request, 'cancelled', now, { error: `held by ${person.by}: ${person.reason}` })),
        askCells: open.flatMap(({ record, request }) => request.asks.map((askId) => ({ askId, processor: record.processor, day: record.day, outcome: 'held' as const, note: person.reason, at: now }))),
      },
      result: null,
    };
  });
  await edit(engine, cells, 'held', person, (record) => ({ ...record, hold: { ...person, at: now } }));
  await afterwards(engine, cells);
}

/** Lets held cells run again, held by hand or by a failure. */
export async function unhold(engine: Engine, cells: readonly CellKey[], person: ByPerson): Promise<void> {
  await edit(engine, cells, 'unheld', person, (record) => ({ ...record, hold: null, failure: null }));
  await afterwards(engine, cells);
}

/** Ends open requests that have not started. What runs is finished: its rows are verified like any other's. */
export async function cancel(engine: Engine, cells: readonly CellKey[], person: ByPerson): Promise<{ readonly cancelled: readonly CellKey[]; readonly running: readonly CellKey[] }> {
  const now = engine.parts.clock.now();
  const result = await engine.change({ cells }, (snapshot) => {
    const records = cells.map((cell) => snapshot.cell(cell));
    const open = records.filter((record) => record.request && record.request.state !== 'processing');
    return {
      writes: {
        cells: open.map((record) => endedWithout(record, {
          outcome: 'cancelled', category: 'invalid_request', message: `cancelled by ${person.by}: ${person.reason}`, at: now, runId: null, step: 0, coolsUntil: null,
          inputsDigest: traceOf(engine.world, engine.world.processor(record.processor), record.day).digest,
          definitionHash: engine.world.processor(record.processor).definitionHash,
        })),
        changes: open.flatMap((record) => (record.request ? [changeRow(record, record.request, 'cancelled', now, { error: person.reason })] : [])),
        askCells: open.flatMap((record) => (record.request?.asks ?? []).map((askId) => ({ askId, processor: record.processor, day: record.day, outcome: 'cancelled' as const, note: person.reason, at: now }))),
      },
      result: { cancelled: open.map(keyOfRecord), running: records.filter((record) => record.request?.state === 'processing').map(keyOfRecord) },
    };
  });
  for (const cell of result.cancelled) await wakeWaiters(engine, cell);
  return result;
}

/** What became of runs that were to be stopped at once. */
export interface Stopped {
  /** What was stopped, in words: a run, an execution. */
  readonly stopped: readonly string[];
  /** Had written its rows already, and was completed. */
  readonly completed: readonly CellKey[];
  /** Did not end within the time: whoever runs it sees the order at its next heartbeat. */
  readonly stopping: readonly CellKey[];
}

const LOOK_EVERY_MS = 250;
/** Two heartbeats of another process, and the time to cancel a job. */
const LONGEST_STOP_MS = 60_000;

/**
 * Stops what runs on these cells: the order is durable first, then this process's own runs are aborted, asynchronous ones
 * are cancelled where they run, and others are waited for. What has promoted its rows by then is completed.
 */
export async function stopNow(engine: Engine, cells: readonly CellKey[], how: StopOrder['how'], person: ByPerson): Promise<Stopped> {
  const { store, clock, runner } = engine.parts;
  const order: StopOrder = { how, ...person, at: clock.now() };
  const running = await engine.change({ cells }, (snapshot) => {
    const records = cells.map((cell) => snapshot.cell(cell)).flatMap((record) => (record.request?.state === 'processing' ? [{ record, request: record.request }] : []));
    return { writes: { cells: records.map(({ record, request }) => ({ ...record, request: { ...request, stop: order } })) }, result: records.map(({ record }) => record) };
  });
  const stopped: string[] = [];
  for (const record of running) {
    engine.running.stop(record);
    const started = startedRunOf(engine, record);
    if (!started) continue;
    const what = await runner.cancel(started.processor, started.lease.started.handle);
    await finishStopped(engine, started, order, what, started.lease.started.trace.digest);
    if (what !== null) stopped.push(what);
    await wakeWaiters(engine, record);
  }
  const completed: CellKey[] = [];
  let open = running;
  for (const until = clock.now() + LONGEST_STOP_MS; open.length > 0;) {
    const now = await Promise.all(open.map(async (before) => ({ before, after: await store.cell(before) })));
    open = now.flatMap(({ before, after }) => (after.request?.lease?.runId === before.request?.lease?.runId ? [before] : []));
    for (const { before, after } of now) {
      if (open.includes(before)) continue;
      const runId = before.request?.lease?.runId ?? '';
      if (after.last?.runId === runId) completed.push(keyOfRecord(after));
      else if (!before.request?.lease?.started) stopped.push(`the run ${runId} of ${before.processor} ${formatDay(before.day)}`);
    }
    if (open.length === 0 || clock.now() >= until) break;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return { stopped, completed, stopping: open.map(keyOfRecord) };
}

/** Stops all new work at once; what runs is finished. */
export async function pause(engine: Engine, person: ByPerson): Promise<Controls> {
  const now = engine.parts.clock.now();
  return setControls(engine, (controls) => ({ ...controls, paused: controls.paused ?? { ...person, at: now } }));
}

/** Goes on, and decides parked cascades again. */
export async function resume(engine: Engine): Promise<Controls> {
  const controls = await setControls(engine, (before) => ({ ...before, paused: null }));
  await decideCascadesAgain(engine);
  return controls;
}

async function setControls(engine: Engine, change: (controls: Controls) => Controls): Promise<Controls> {
  return engine.change({ controls: true }, (snapshot) => {
    const controls = change(snapshot.controls());
    return { writes: { controls }, result: controls };
  });
}

async function edit(engine: Engine, cells: readonly CellKey[], decision: string, person: ByPerson, change: (record: CellRecord, processor: Processor) => CellRecord): Promise<void> {
  const now = engine.parts.clock.now();
  const row: RunRow = { runId: engine.parts.ids.next(decision), status: 'skipped', decision, at: now, metadata: { ...person } };
  await engine.change({ cells }, (snapshot) => ({
    writes: {
      cells: cells.map((cell) => change(snapshot.cell(cell), engine.world.processor(cell.processor))),
      history: cells.map((cell) => historyRow(engine.world.processor(cell.processor), cell.day, null, row)),
    },
    result: null,
  }));
}

async function afterwards(engine: Engine, cells: readonly CellKey[]): Promise<void> {
  for (const cell of cells) await wakeWaiters(engine, cell);
  await decideCascadesAgain(engine);
}

/** A person accepts that games of these dates are gone from the schedule: they are expected no more. */
async function acceptRemovals(engine: Engine, cells: readonly CellKey[], person: ByPerson): Promise<void> {
  const days = new Set<Day>(cells.map((cell) => cell.day));
  const gone = new Set(engine.calendarFindings.flatMap((finding) => (finding.kind === 'calendar_shrank' && days.has(finding.day) ? [finding.key] : [])));
  if (gone.size === 0) return;
  const remembered = engine.remembered.map((season) => ({
    season: season.season,
    games: season.games.map((game) => (gone.has(game.key) ? { ...game, removed: `${person.by}: ${person.reason}` } : game)),
  }));
  await engine.change({}, () => ({ writes: { remembered }, result: null }));
}

function keyOfRecord(record: CellRecord): CellKey {
  return { processor: record.processor, day: record.day };
}
