import { z } from 'zod';
import { HeldBackError } from '../failures/errors.ts';
import type { LeaseRecord, Snapshot } from '../ports/request-store.ts';
import { hasEnded } from '../staged/record.ts';
import type { Engine } from './engine.ts';

const MINUTE = 60_000;
/** How long a named lease is believed without a renewal. */
export const NAMED_LEASE_MS = 2 * MINUTE;
/** Leases under which failures are held back for a digest. What they keep outlives their holder: it says what was told. */
export const ALERTS_LEASE = 'alerts:';
const BACKFILL_LEASE = 'backfill:';
/** Of the one rollback that may be under way; its detail names its cells, as a plan's does. */
export const ROLLBACK_LEASE = 'rollback';

/** Another process has taken the lease under which this one worked: what it was about to change is that one's to change. */
export class LostLeaseError extends HeldBackError {
  constructor(name: string) {
    super(`the lease ${name} is another process's now`);
  }
}

/** The name of the lease of whoever advances a staged backfill. */
export function backfillLease(id: string): string {
  return `${BACKFILL_LEASE}${id}`;
}

/** Takes a named lease. Where somebody holds it, in this process or another, marks that it was wanted, and returns null. */
export async function takeLease(engine: Engine, name: string, detail: string): Promise<LeaseRecord | null> {
  const now = engine.parts.clock.now();
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    if (held && held.until > now) {
      return { writes: { leases: [{ ...held, again: true }] }, result: null };
    }
    const lease: LeaseRecord = { name, owner: engine.parts.owner, until: now + NAMED_LEASE_MS, again: false, detail };
    return { writes: { leases: [lease] }, result: lease };
  });
}

/** Gives a lease back; true when somebody wanted it meanwhile. */
export async function returnLease(engine: Engine, name: string): Promise<boolean> {
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    if (held?.owner !== engine.parts.owner) return { writes: {}, result: false };
    return { writes: { releaseLeases: [name] }, result: held.again };
  });
}

/** Whether the lease is still one's own, and whether somebody has marked it since this was asked last. */
export async function takeMark(engine: Engine, name: string): Promise<'marked' | 'unmarked' | 'lost'> {
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    if (held?.owner !== engine.parts.owner) return { writes: {}, result: 'lost' };
    return held.again ? { writes: { leases: [{ ...held, again: false }] }, result: 'marked' } : { writes: {}, result: 'unmarked' };
  });
}

const askedFor = z.object({ asked: z.array(z.string()) });

/**
 * Takes a named lease under which one does what all ask for: returns what whoever held it last was asked for and did not
 * do, as it died. Where somebody holds it, leaves what is wanted with the lease, for its holder, and returns null.
 */
export async function takeOrAsk(engine: Engine, name: string, wanted: readonly string[]): Promise<readonly string[] | null> {
  const now = engine.parts.clock.now();
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    const asked = askedOf(held);
    if (held && held.until > now) {
      const detail = JSON.stringify({ asked: [...new Set([...asked, ...wanted])] });
      return { writes: { leases: [{ ...held, again: true, detail }] }, result: null };
    }
    return { writes: { leases: [{ name, owner: engine.parts.owner, until: now + NAMED_LEASE_MS, again: false, detail: '{}' }] }, result: asked };
  });
}

/** Gives such a lease back; returns what was asked for meanwhile. Where the holder failed, that is kept for whoever takes it next. */
export async function returnAsked(engine: Engine, name: string, failed: boolean): Promise<readonly string[]> {
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    if (held?.owner !== engine.parts.owner) return { writes: {}, result: [] };
    const asked = askedOf(held);
    return { writes: failed && asked.length > 0 ? { leases: [{ ...held, until: 0 }] } : { releaseLeases: [name] }, result: asked };
  });
}

function askedOf(held: LeaseRecord | null): readonly string[] {
  const read = held ? askedFor.safeParse(JSON.parse(held.detail)) : null;
  return read?.success ? read.data.asked : [];
}

/** Keeps a lease alive while work under it goes on, until it is told to stop. A beat that fails is not fatal: the next one is in time. */
export function keepLease(engine: Engine, name: string): { stop(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const { clock } = engine.parts;
  const renew = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(NAMED_LEASE_MS / 3, signal);
      if (signal.aborted) return;
      await renewLease(engine, name, clock.now() + NAMED_LEASE_MS).catch(() => undefined);
    }
  };
  void renew();
  return { stop: () => controller.abort() };
}

async function renewLease(engine: Engine, name: string, until: number): Promise<void> {
  await engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    return held?.owner === engine.parts.owner ? { writes: { leases: [{ ...held, until }] }, result: null } : { writes: {}, result: null };
  });
}

/** The last that is known of the holder of a lease that has run out: when it renewed it, unless it is known to be dead since earlier. */
export function heardAt({ until, detail }: LeaseRecord): number {
  const read = died.safeParse(JSON.parse(detail));
  return read.success ? read.data.heardAt : until - NAMED_LEASE_MS;
}
const died = z.object({ heardAt: z.number() });

/** Gives back the leases of owners that are known to be dead: what they owned is free again at once. */
export async function releaseLeasesOf(engine: Engine, isDead: (owner: string) => boolean): Promise<void> {
  const names = (await engine.parts.store.leases()).filter((lease) => isDead(lease.owner)).map((lease) => lease.name);
  if (names.length === 0) return;
  const now = engine.parts.clock.now();
  const backfills = names.flatMap((name) => backfillOf(name) ?? []);
  await engine.change({ leases: names, backfills }, (snapshot) => {
    const dead = names.map((name) => snapshot.lease(name)).filter((lease) => lease !== null).filter((lease) => isDead(lease.owner));
    const kept = dead.flatMap((lease) => keptOfDead(lease, snapshot, now));
    return { writes: { releaseLeases: dead.filter(({ name }) => !kept.some((lease) => lease.name === name)).map(({ name }) => name), leases: kept }, result: null };
  });
}

/** Of a digest it says what was told; of a backfill that goes on, whom the next holder takes it over from. */
function keptOfDead(lease: LeaseRecord, snapshot: Snapshot, now: number): LeaseRecord[] {
  const { name, until } = lease;
  if (name.startsWith(ALERTS_LEASE)) return [{ ...lease, until: Math.min(until, now) }];
  const id = backfillOf(name);
  const record = id === null ? null : snapshot.backfill(id);
  if (!record || hasEnded(record)) return [];
  return [until > now ? { ...lease, until: now, detail: JSON.stringify({ heardAt: heardAt(lease) }) } : lease];
}

function backfillOf(name: string): string | null {
  return name.startsWith(BACKFILL_LEASE) ? name.slice(BACKFILL_LEASE.length) : null;
}
