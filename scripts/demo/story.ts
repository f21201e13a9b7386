import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { openStateFolder } from '../../shared/embedded/state-folder.ts';
import { HeldBackError } from '../../shared/failures/errors.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { recover, type RecoverEvent, type Recovered } from '../../shared/flows/recover.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import { openEmbedded, type EmbeddedRuntime } from '../runtime/embedded.ts';
import { DemoClock } from './demo-clock.ts';
import { at, DEMO, theMorningAfter } from './season.ts';

/** Folders of a demo: the season that never lost anything, and the copy that is damaged and recovered. */
export interface DemoFolders {
  readonly clean: string;
  readonly damaged: string;
}

export function demoFolders(root: string): DemoFolders {
  return { clean: join(root, 'clean'), damaged: join(root, 'damaged') };
}

export interface OpenedDemo {
  readonly runtime: EmbeddedRuntime;
  readonly clock: DemoClock;
  readonly alerts: Alert[];
  close(): Promise<void>;
}

/** Opens one of the demo's folders as its owner, with a clock that shows an hour of the story. */
export async function openDemo(pipeline: Pipeline, folder: string, now: number, version: string, lanes?: number): Promise<OpenedDemo> {
  const opened = openStateFolder(folder, version, Date.now());
  if (opened.kind === 'owned_by') throw new HeldBackError(`the demo's folder ${folder} is in use by another process (pid ${opened.owner?.pid ?? 'unknown'}); let it end, or name another folder with --state`);
  const clock = new DemoClock(now);
  const alerts: Alert[] = [];
  const runtime = await openEmbedded({
    pipeline, stateDirectory: folder, database: opened.folder.openDatabase(), startAt: null, clock, lanes,
    notifier: { notify: async (alert) => { alerts.push(alert); } },
  });
  return {
    runtime, clock, alerts,
    close: async () => {
      await runtime.close();
      await opened.folder.close();
    },
  };
}

/** Builds the season that never lost anything, once: a build that was interrupted goes on where it was. */
export async function buildClean(pipeline: Pipeline, folders: DemoFolders, version: string, signal: AbortSignal, on: (event: RecoverEvent) => void): Promise<Recovered | null> {
  if (existsSync(join(folders.clean, 'built'))) return null;
  const demo = await openDemo(pipeline, folders.clean, at(theMorningAfter(), 9, pipeline.timeZone), version);
  try {
    const recovered = await recover(demo.runtime.engine, {
      scope: { from: DEMO.from, to: theMorningAfter(), processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'demo', reason: 'the season as it was', signal, budget: null, on,
    });
    if (!signal.aborted) mkdirSync(join(folders.clean, 'built'));
    return recovered;
  } finally {
    await demo.close();
  }
}

/** A fresh copy of the clean season, to be damaged. */
export function copyClean(folders: DemoFolders): void {
  const fresh = `${folders.damaged}.new`;
  for (const folder of [fresh, folders.damaged]) rmSync(folder, { recursive: true, force: true });
  cpSync(folders.clean, fresh, { recursive: true, filter: (source) => !/(owner\.(lock|json|sock)|\.lock|built)$/.test(source) });
  renameSync(fresh, folders.damaged);
}

/** The team adopted the system when the season began: what is older is not filled by itself. */
export async function adoptAtSeasonStart(runtime: EmbeddedRuntime): Promise<void> {
  await runtime.store.transact({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), adoptedOn: DEMO.from } }, result: null }));
}

/** What the league's scheduler publishes each night: three scrapers for the date. */
export async function publishNight(runtime: EmbeddedRuntime, night: Day): Promise<void> {
  for (const processor of ['NbacPlayerBoxscoreScraper', 'NbacTeamBoxscoreScraper']) {
    await runtime.bus.publish(runtime.topics.requests, JSON.stringify({
      processor_name: processor, start_date: formatDay(night), end_date: formatDay(night), is_backfill: false, skip_downstream_trigger: false, requested_by: 'nightly-scheduler', trigger_reason: 'nightly run', priority: 'high',
    }));
  }
}

/** Delivers messages and what they lead to, until nothing is due. `look` sees the cascades after every round. */
export async function deliverAll(runtime: EmbeddedRuntime, look: (cascades: readonly CascadeRecord[]) => void): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    const sent = await sendOutbox(runtime.engine, runtime.bus);
    const { delivered } = await runtime.bus.pump();
    look(await runtime.store.cascades(addDays(DEMO.lastNight, -1), theMorningAfter()));
    if (sent + delivered === 0) return;
  }
}
