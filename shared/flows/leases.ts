import type { LeaseRecord } from '../ports/request-store.ts';
import type { Engine } from './engine.ts';

const MINUTE = 60_000;
/** How long a named lease is believed without a renewal. */
export const NAMED_LEASE_MS = 2 * MINUTE;

/** Takes a named lease. Where another holds it, marks that somebody wanted it, and returns null. */
export async function takeLease(engine: Engine, name: string, detail: string): Promise<LeaseRecord | null> {
  const now = engine.parts.clock.now();
  return engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    if (held && held.until > now && held.owner !== engine.parts.owner) {
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

/** Keeps a lease alive while work under it goes on. */
export async function renewLease(engine: Engine, name: string): Promise<void> {
  const until = engine.parts.clock.now() + NAMED_LEASE_MS;
  await engine.change({ leases: [name] }, (snapshot) => {
    const held = snapshot.lease(name);
    return held?.owner === engine.parts.owner ? { writes: { leases: [{ ...held, until }] }, result: null } : { writes: {}, result: null };
  });
}
