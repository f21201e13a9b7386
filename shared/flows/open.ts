import { factsOf } from '../gaps/cell-facts.ts';
import { reasonOf } from '../gaps/detect.ts';
import type { AskCell, AskOutcome, Ask } from '../requests/ask.ts';
import { actionOf, classOf } from '../requests/ask-policy.ts';
import type { CellKey, CellRecord, OpenRequest } from '../requests/cell.ts';
import { readiness } from '../requests/readiness.ts';
import { joined, opened, remembering, waiting } from '../requests/transitions.ts';
import type { Durable, Reads, Snapshot, Writes } from '../ports/request-store.ts';
import type { RequestChangeRow } from '../ports/run-history.ts';
import type { Engine } from './engine.ts';
import { changeRow } from './rows.ts';
import { confirmWaits } from './wake.ts';

export interface AskedCell extends CellKey {
  readonly reason?: string;
  readonly reprocess?: boolean;
}

export interface OpeningOptions {
  readonly guard?: Guard | undefined;
  /** `with_next`: whoever asks finds out after a crash by itself what it had not asked for yet. */
  readonly durable?: Durable;
}

/** What else has to hold at the commit of an ask. */
export interface Guard {
  readonly reads: Pick<Reads, 'backfills' | 'leases'>;
  /** False: nothing is opened, and no cell has an outcome. */
  readonly allows: (snapshot: Snapshot) => boolean;
}

/** Cells changed in one transaction: enough that a season's plan takes few commits, few enough that one is short. */
const CELLS_A_TRANSACTION = 200;

/**
 * Applies an ask to its cells, in topological order: opens, joins, or says why not. An ask applies to a cell once, so a
 * redelivered message changes nothing. When this returns, all of it is durable, unless `with_next` was enough.
 */
export async function openAsk(engine: Engine, ask: Ask, cells: readonly AskedCell[], { guard, durable }: OpeningOptions = {}): Promise<AskCell[]> {
  const outcomes: AskCell[] = [];
  for (let start = 0; start < Math.max(cells.length, 1); start += CELLS_A_TRANSACTION) {
    const chunk = cells.slice(start, start + CELLS_A_TRANSACTION);
    for (;;) {
      const applied = await engine.change<Pick<AppliedAsk, 'outcomes' | 'outdated'>>({ ...guard?.reads, cells: chunk, asks: [ask.id] }, (snapshot) => {
        if (guard?.allows(snapshot) === false) return { writes: {}, result: { outcomes: [], outdated: [] } };
        const result = applyAsk(engine, ask, chunk, snapshot);
        return { writes: result.writes, result };
      }, durable);
      outcomes.push(...applied.outcomes);
      if (applied.outdated.length === 0) break;
      await engine.relearn(applied.outdated);
    }
    await confirmWaits(engine, chunk);
  }
  return outcomes;
}

export interface AppliedAsk {
  readonly writes: Writes;
  readonly outcomes: readonly AskCell[];
  /**
   * Cells that somebody else has worked on since this process read their rows: nothing is decided of any cell before they
   * are read again, or a cell that is complete by now would be run once more.
   */
  readonly outdated: readonly CellKey[];
}

/** What an ask changes of its cells, inside a transaction that has read them and the ask. */
export function applyAsk(engine: Engine, ask: Ask, cells: readonly AskedCell[], snapshot: Snapshot): AppliedAsk {
  const outdated = cells.filter((cell) => isOutdated(engine, snapshot.cell(cell)));
  if (outdated.length > 0) return { writes: {}, outcomes: [], outdated };
  const results = cells.map((cell) => applyToCell(engine, ask, cell, snapshot.cell(cell)));
  return {
    writes: {
      asks: snapshot.ask(ask.id) ? [] : [ask],
      cells: results.flatMap((result) => result.record ?? []),
      askCells: results.flatMap((result) => (result.repeated ? [] : result.outcome)),
      changes: results.flatMap((result) => result.change ?? []),
    },
    outcomes: results.map((result) => result.outcome),
    outdated: [],
  };
}

/** A run that was begun for others keeps nothing of what it overwrites: it is none of a staged backfill's. */
function runsForOthers({ state, backfillId }: OpenRequest, ask: Pick<Ask, 'backfillId'>): boolean {
  return state === 'processing' && backfillId !== ask.backfillId;
}

function isOutdated({ world }: Engine, record: CellRecord): boolean {
  if (!world.contains(record.day)) return false;
  const known = world.record(world.processor(record.processor), record.day);
  return known.generation !== record.generation || known.last?.runId !== record.last?.runId;
}

interface Applied {
  readonly outcome: AskCell;
  readonly record: CellRecord | null;
  readonly change: RequestChangeRow | null;
  /** This ask was applied to the cell before: its outcome stands already. */
  readonly repeated: boolean;
}

function applyToCell(engine: Engine, ask: Ask, cell: AskedCell, record: CellRecord): Applied {
  const { world } = engine;
  const processor = world.processor(cell.processor);
  const outcome = (kind: AskOutcome, note: string): AskCell => ({ askId: ask.id, processor: cell.processor, day: cell.day, outcome: kind, note, at: ask.at });
  if (record.recentAsks.includes(ask.id)) return { outcome: outcome('open', 'applied before'), record: null, change: null, repeated: true };
  world.setRecord(record);
  const facts = factsOf(world, processor, cell.day);
  const cellClass = classOf(facts, record);
  const action = actionOf(cellClass, ask.asker, ask.reprocess);
  const reason = cell.reason ?? (ask.reason || reasonOf(facts, null));
  switch (action) {
    case 'refuse':
      return { outcome: outcome('refused', 'not expected on this date'), record: null, change: null, repeated: false };
    case 'done':
      return { outcome: outcome('already_complete', cellClass), record: null, change: null, repeated: false };
    case 'hold': {
      const why = record.hold?.reason ?? record.failure?.message ?? cellClass;
      return { outcome: outcome('held', why), record: remembering(record, ask.id), change: null, repeated: false };
    }
    case 'join':
    case 'again': {
      if (!record.request) throw new RangeError(`cell ${cell.processor}/${cell.day} has no request to join`);
      if (ask.asker === 'backfill' && runsForOthers(record.request, ask)) return { outcome: outcome('open', 'somebody else runs it: judged again when that has ended'), record: null, change: null, repeated: true };
      const next = joined(record, record.request, ask, action === 'again');
      return { outcome: outcome('open', 'joined the open request'), record: next, change: null, repeated: false };
    }
    case 'open':
    case 'rerun': {
      let next = opened(record, ask, { reason, rerun: action === 'rerun' });
      if (!next.request) throw new RangeError('an opened cell has a request');
      const ready = readiness(world, processor, cell.day, next.request, engine.strictness);
      if (ready.kind !== 'ready') next = waiting(next, next.request, ready.kind, ready.on, ask.at);
      const note = ready.kind === 'ready' ? 'queued' : ready.because;
      // Later cells of this ask see this one as open, before the transaction that makes it so has committed.
      world.setRecord(next);
      const change = next.request && changeRow(next, next.request, next.request.state, ask.at, { metadata: { found: facts.data, ...(ready.kind === 'ready' ? {} : { waiting_for: note }) } });
      return { outcome: outcome('open', note), record: next, change, repeated: false };
    }
  }
}
