import { z } from 'zod';
import { alertSchema, type Alert } from '../alerts/alert.ts';
import { isDueAtOnce } from '../alerts/untold.ts';
import { isLeftUnsent } from '../alerts/window.ts';
import { formatDay } from '../calendar/day.ts';
import type { Failure } from '../failures/classify.ts';
import type { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import type { FailureEnd } from './finish.ts';

/** Says until when nobody is told of a used-up quota again. */
export const QUOTA_LEASE = 'quota_told';

/** After a failed attempt: a live run's failure is told at once, unless it is tried again by itself; a backfill's used-up quota once while it lasts. */
export async function tellFailed(engine: Engine, claim: Claim, failure: Failure, end: FailureEnd): Promise<void> {
  const { isBackfill } = claim.request;
  if (end.kind === 'retry' && failure.pause !== null && isBackfill) await tellQuota(engine, claim, failure, end.at);
  if (end.kind !== 'ended' || isBackfill || !isDueAtOnce(end.failure, failure.alert)) return;
  const { processor, record } = claim;
  const date = formatDay(record.day);
  await engine.parts.notifier.notify({
    severity: 'warning', event: 'request_failed', title: `${processor.name} ${date} failed: ${failure.category}`, lines: [failure.message, failure.why],
    command: `smart-backfill why ${processor.name} ${date}`, at: engine.parts.clock.now(),
  });
}

async function tellQuota(engine: Engine, { processor, record, request }: Claim, failure: Failure, goesOnAt: number): Promise<void> {
  const now = engine.parts.clock.now();
  const windowMs = engine.pipeline.settings.digest_minutes * 60_000;
  const { backfillId } = request;
  const alert: Alert = {
    severity: 'critical', event: 'quota_used_up', title: `a quota is used up; ${processor.name} goes on at ${new Date(goesOnAt).toISOString()}`,
    lines: [`${processor.name} ${formatDay(record.day)}: ${failure.message}`, 'what meets it waits until then and is tried again by itself, and the attempt does not count'],
    command: backfillId === null ? 'smart-backfill requests list' : `smart-backfill backfill status ${backfillId}`, at: now,
  };
  const isFirst = await engine.change({ leases: [QUOTA_LEASE] }, (snapshot) => {
    const lease = snapshot.lease(QUOTA_LEASE);
    const until = Math.max(goesOnAt + windowMs, lease?.until ?? 0);
    const isNew = lease === null || lease.until <= now;
    return { writes: { leases: [{ name: QUOTA_LEASE, owner: engine.parts.owner, until, again: false, detail: isNew ? JSON.stringify({ owed: alert, at: now }) : lease.detail }] }, result: isNew };
  }).catch(() => false);
  if (isFirst) await tellOwed(engine, alert);
}

/** The alert that is on its way, since `at`. */
const owedQuota = z.object({ owed: alertSchema, at: z.number() });

async function tellOwed(engine: Engine, alert: Alert): Promise<void> {
  await engine.parts.notifier.notify(alert);
  await engine.change({ leases: [QUOTA_LEASE] }, (snapshot) => {
    const lease = snapshot.lease(QUOTA_LEASE);
    return { writes: lease ? { leases: [{ ...lease, detail: '{}' }] } : {}, result: null };
  });
}

/** Whoever looks next tells of a used-up quota where the process died that was going to; forgets it when its time is over. */
export async function tendQuota(engine: Engine): Promise<void> {
  const now = engine.parts.clock.now();
  const left = await engine.change<Alert | null>({ leases: [QUOTA_LEASE] }, (snapshot) => {
    const lease = snapshot.lease(QUOTA_LEASE);
    const owed = lease ? owedQuota.safeParse(JSON.parse(lease.detail)) : null;
    if (lease && owed?.success && isLeftUnsent(owed.data.at, now)) {
      return { writes: { leases: [{ ...lease, detail: JSON.stringify({ ...owed.data, at: now }) }] }, result: owed.data.owed };
    }
    return { writes: lease && lease.until <= now ? { releaseLeases: [QUOTA_LEASE] } : {}, result: null };
  });
  if (left) await tellOwed(engine, left);
}
