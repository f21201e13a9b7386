import { factsOf } from '../gaps/cell-facts.ts';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { SlotRecord } from '../ports/request-store.ts';
import type { CellKey, CellRecord, Lease, OpenRequest } from '../requests/cell.ts';
import { claimNoted } from '../rollback/overwrites.ts';
import { readiness } from '../requests/readiness.ts';
import { slotsAt } from '../requests/slots.ts';
import { claimed, completed, waiting } from '../requests/transitions.ts';
import type { Engine } from './engine.ts';
import { isHalted } from './halt.ts';
import { changeRow, historyRow } from './rows.ts';

/** A claimed cell: its lease and its slot are durable. */
export interface Claim {
  readonly processor: Processor;
  readonly record: CellRecord;
  readonly request: OpenRequest;
  readonly lease: Lease;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  /** No slot, paused, or somebody else was faster: nothing has changed. */
  | { readonly kind: 'not_now'; readonly noSlot?: true }
  /** Put back to wait for an input. */
  | { readonly kind: 'parked' }
  /** What it reads and holds is as it should be: ended without a run. */
  | { readonly kind: 'cut_off'; readonly cause: string | null; readonly backfillId: string | null };

/** How long a claim is believed without a heartbeat. Longer than any pause of a live process, short enough to be taken over soon. */
export const LEASE_MS = 60_000;

/**
 * Takes the lease and the slot of a queued cell in one transaction (P1), or puts it where it belongs. Attempts count here
 * (P7); slots are a table's, whatever the number of instances (P23).
 * Everything is judged again at this moment: inputs may have changed since the cell was queued.
 */
export async function claimCell(engine: Engine, key: CellKey, renewed = false): Promise<ClaimOutcome> {
  const { parts } = engine;
  const processor = engine.world.processor(key.processor);
  const now = parts.clock.now();
  const runId = parts.ids.next('run');
  // A process that has just begun, or that worked on other seasons so far, knows nothing of what this cell reads.
  await engine.ensure(key.day, key.day);
  await engine.recheck(processor, key.day);
  const outcome = await attempt(engine, processor, key, { now, runId, renewed });
  if (outcome.kind !== 'outdated') return outcome;
  await engine.renew(key.day, outcome.plannedAt);
  return claimCell(engine, key, true);
}

interface Attempt {
  readonly now: number;
  readonly runId: string;
  /** All has been read again for it. */
  readonly renewed: boolean;
}

type Attempted = ClaimOutcome | { readonly kind: 'outdated'; readonly plannedAt: number };

function attempt(engine: Engine, processor: Processor, key: CellKey, { now, runId, renewed }: Attempt): Promise<Attempted> {
  const { parts } = engine;
  return engine.change<Attempted>({ cells: [key], slots: [key.processor], controls: true }, (snapshot) => {
    const record = snapshot.cell(key);
    const { request } = record;
    const nothing = (kind: 'not_now'): { writes: object; result: ClaimOutcome } => ({ writes: {}, result: { kind } });
    // This very claim: its commit was done, and its answer was lost.
    if (request?.lease?.runId === runId) return { writes: {}, result: { kind: 'claimed', claim: { processor, record, request, lease: request.lease } } };
    if (!request || request.state !== 'queued' || (request.notBefore ?? 0) > now) return nothing('not_now');
    if (snapshot.controls().paused || isHalted(snapshot.controls(), request)) return nothing('not_now');
    const { plannedAt } = request;
    if (plannedAt !== undefined && !renewed && engine.isOlderThan(plannedAt)) return { writes: {}, result: { kind: 'outdated', plannedAt } };
    const ready = readiness(engine.world, processor, key.day, request, engine.strictness);
    const facts = factsOf(engine.world, processor, key.day);
    if (ready.kind !== 'ready') {
      const parked = waiting(record, request, ready.kind, ready.on, now);
      const metadata = { waiting_for: ready.because };
      return {
        writes: {
          cells: [parked],
          changes: [changeRow(parked, request, ready.kind, now, { metadata })],
          history: [historyRow(processor, key.day, request, { runId, status: 'skipped', decision: ready.kind, skipReason: 'backfill_queued', at: now, metadata })],
        },
        result: { kind: 'parked' },
      };
    }
    const isGood = facts.data === 'present' && facts.trace === 'fresh' && !facts.codeChanged && record.last !== null;
    if (isGood && !request.rerun && !request.force && record.last) {
      const done = completed(record, record.last);
      return {
        writes: { cells: [done], changes: [changeRow(done, request, 'cut_off', now)], askCells: request.asks.map((askId) => ({ askId, ...key, outcome: 'cut_off' as const, note: 'nothing that it reads has changed', at: now })) },
        result: { kind: 'cut_off', cause: request.cause ?? null, backfillId: request.backfillId },
      };
    }
    const slots = withoutExpired(snapshot.slots(key.processor), now);
    const limit = slotsAt(processor.slots, slots.slowUntil, now);
    if (slots.holders.length >= limit) return { writes: {}, result: { kind: 'not_now', noSlot: true } };
    const token = tokenAfter(record);
    const lease: Lease = { owner: parts.owner, token, until: now + LEASE_MS, runId, startedAt: now };
    const held = engine.world.coverage(processor, key.day)?.fingerprint ?? EMPTY_FINGERPRINT;
    const taken = claimed(request.backfillId === null ? record : claimNoted(record, request.backfillId, { at: now, held }), request, lease);
    if (!taken.request) return nothing('not_now');
    return {
      writes: {
        cells: [taken],
        slots: [{ ...slots, holders: [...slots.holders, { day: key.day, token, until: lease.until }] }],
      },
      result: { kind: 'claimed', claim: { processor, record: taken, request: taken.request, lease } },
    };
  });
}

/** Tokens rise with every claim of a cell: generation first, claims within it, also those that were given back. */
export function tokenAfter(record: CellRecord): number {
  const { request, generation } = record;
  return generation * TOKENS_A_GENERATION + (request?.claims ?? 0) + 1;
}
const TOKENS_A_GENERATION = 1000;

export function withoutExpired(slots: SlotRecord, now: number): SlotRecord {
  return { ...slots, holders: slots.holders.filter((holder) => holder.until > now) };
}

export function withoutHolder(slots: SlotRecord, key: CellKey, token: number): SlotRecord {
  return { ...slots, holders: slots.holders.filter((holder) => holder.day !== key.day || holder.token > token) };
}
