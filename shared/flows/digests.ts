import { isRetriedByItself, type Detection, type UntoldFailure } from '../alerts/untold.ts';
import { alertWindowSchema, isForgotten, newWindow, nextStep, sent, type AlertWindow } from '../alerts/window.ts';
import { dayOf } from '../calendar/day.ts';
import type { Alert } from '../ports/notifier.ts';
import type { LeaseRecord, Reads } from '../ports/request-store.ts';
import { progressOf, type Progress } from '../staged/progress.ts';
import { hasEnded, type BackfillRecord } from '../staged/record.ts';
import type { Engine } from './engine.ts';
import { QUOTA_LEASE, tendQuota } from './failure-alerts.ts';
import { ALERTS_LEASE, NAMED_LEASE_MS } from './leases.ts';

/** Read at a time: enough for a season that fails whole, summed up step by step. */
const MOST_READ = 2000;
/** Turns of one window that another process may win before it is left to that one. */
const MOST_TRIES = 20;
const BY_HAND = 'by_hand';

export interface TellOptions {
  /** The process is about to end: what was held back by hand is told, if its window allows. */
  readonly leaving?: boolean;
}

function alertsLease(backfillId: string | null): string {
  return `${ALERTS_LEASE}${backfillId ?? BY_HAND}`;
}

/**
 * Sends the digests that are due: of every staged backfill, and of what else ran in backfill mode. Whoever ticks calls it,
 * as many at a time as there are: what a digest has taken, and that it was sent, is one commit on its window.
 */
export async function tellDigests(engine: Engine, options: TellOptions = {}): Promise<void> {
  const { store } = engine.parts;
  const leases = await store.leases();
  const untold = await store.untold(MOST_READ);
  const known = leases.filter(({ name }) => name.startsWith(ALERTS_LEASE)).map(({ name }) => name.slice(ALERTS_LEASE.length)).map((name) => (name === BY_HAND ? null : name));
  for (const backfillId of new Set([...known, ...untold.map((failure) => failure.backfillId)])) await tellOf(engine, backfillId, options);
  if (leases.some(({ name }) => name === QUOTA_LEASE)) await tendQuota(engine);
}

/** The digest of one staged backfill (null: of all that goes by hand), if it is due now. */
export async function tellOf(engine: Engine, backfillId: string | null, { leaving = false }: TellOptions = {}): Promise<void> {
  const by = engine.parts.ids.next('digest');
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const turn = await takeTurn(engine, backfillId, { by, leaving });
    if (turn === 'done') return;
    if (turn === 'again') continue;
    await engine.parts.notifier.notify(turn);
    await handedOver(engine, backfillId, by, turn);
    return;
  }
}

/** One step of a window, in a commit of its own: the digest to send now, or whether there is another step to take. */
async function takeTurn(engine: Engine, backfillId: string | null, { by, leaving }: { readonly by: string; readonly leaving: boolean }): Promise<Alert | 'again' | 'done'> {
  const { store, clock, owner } = engine.parts;
  const name = alertsLease(backfillId);
  const windowMs = engine.pipeline.settings.digest_minutes * 60_000;
  // The window first: failures that another digest takes after this are seen by its change of the window.
  const seen = (await store.leases()).find((lease) => lease.name === name)?.detail ?? null;
  const untold = await toTell(engine, (await store.untold(MOST_READ)).filter((failure) => failure.backfillId === backfillId));
  const isOver = backfillId !== null || untold.length === 0 || !(await store.openCells()).some(({ request }) => request?.isBackfill && request.backfillId === null);
  const now = clock.now();
  return engine.change<Alert | 'again' | 'done'>(readsOf(backfillId), (snapshot) => {
    const lease = snapshot.lease(name);
    const record = backfillId === null ? null : snapshot.backfill(backfillId);
    if ((lease?.detail ?? null) !== seen) return { writes: {}, result: 'again' };
    if (!lease && untold.length === 0) return { writes: {}, result: 'done' };
    const window = windowOf(lease) ?? newWindow(record);
    const heldUntil = record ? lease?.until ?? null : null;
    const step = nextStep(window, { now, windowMs, by, heldUntil, untold, record, isOver: isOver && (record === null || hasEnded(record)), leaving, progress: () => farOf(engine, record, lease) });
    if (!step) return { writes: lease && isForgotten(window, { now, windowMs, record }) ? { releaseLeases: [name] } : {}, result: 'done' };
    const until = record && lease ? lease.until : now + windowMs;
    return { writes: { leases: [{ name, owner: lease?.owner ?? owner, until, again: false, detail: JSON.stringify(step.window) }], told: step.takes }, result: step.alert ?? 'again' };
  });
}

/** Notes that a digest has been sent, unless another process has sent it since for one that it took for dead. */
async function handedOver(engine: Engine, backfillId: string | null, by: string, { event }: Alert): Promise<void> {
  const name = alertsLease(backfillId);
  await engine.change(readsOf(backfillId), (snapshot) => {
    const lease = snapshot.lease(name);
    const window = windowOf(lease);
    if (!lease || window?.sending?.by !== by) return { writes: {}, result: null };
    const record = backfillId === null ? null : snapshot.backfill(backfillId);
    // Its end was told: nothing is held back for it any more.
    const isEnd = record !== null && hasEnded(record) && event !== 'backfill_failures';
    return { writes: isEnd ? { releaseLeases: [name] } : { leases: [{ ...lease, detail: JSON.stringify(sent(window)) }] }, result: null };
  });
}

function readsOf(backfillId: string | null): Reads {
  return { leases: [alertsLease(backfillId)], backfills: backfillId === null ? [] : [backfillId] };
}

/** Holds a backfill's failures back for as long as this process advances it, and tells of its beginning. */
export async function holdBack(engine: Engine, backfillId: string): Promise<void> {
  const name = alertsLease(backfillId);
  const { owner, clock } = engine.parts;
  await engine.change({ leases: [name], backfills: [backfillId] }, (snapshot) => {
    const lease = snapshot.lease(name);
    const record = snapshot.backfill(backfillId);
    if (!record || hasEnded(record)) return { writes: {}, result: null };
    const detail = lease?.detail ?? JSON.stringify(newWindow(record));
    return { writes: { leases: [{ name, owner, until: clock.now() + NAMED_LEASE_MS, again: false, detail }] }, result: null };
  });
  await tellOf(engine, backfillId);
}

/** Whoever advances a backfill knows how far it is; another process's view of its cells may be old. */
function farOf({ world, parts }: Engine, record: BackfillRecord | null, lease: LeaseRecord | null): Progress | null {
  if (!record || lease?.owner !== parts.owner || !world.contains(record.asked.from) || !world.contains(record.asked.to)) return null;
  return progressOf(world, record, record.stage);
}

/** What detection tries again by itself is nobody's to be told of: it leaves the state without a word. */
async function toTell(engine: Engine, untold: readonly UntoldFailure[]): Promise<readonly UntoldFailure[]> {
  if (!untold.some((failure) => failure.cools && failure.backfillId === null)) return untold;
  const detection = await detectionOf(engine);
  const silent = untold.filter((failure) => isRetriedByItself(failure, detection));
  if (silent.length > 0) await engine.change({}, () => ({ writes: { told: silent.map(({ id }) => id) }, result: null }));
  return untold.filter((failure) => !silent.includes(failure));
}

async function detectionOf({ pipeline, parts }: Engine): Promise<Detection> {
  const declared = pipeline.settings.detect_from;
  return {
    from: declared === undefined ? (await parts.store.controls()).adoptedOn : dayOf(declared),
    fills: (name) => {
      const processor = pipeline.byName.get(name);
      return processor !== undefined && processor.backfillable && processor.phase.backfillable && processor.phase.mode !== 'observe';
    },
  };
}

function windowOf(lease: LeaseRecord | null): AlertWindow | null {
  if (!lease) return null;
  const read = alertWindowSchema.safeParse(JSON.parse(lease.detail));
  return read.success ? read.data : null;
}
